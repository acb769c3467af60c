"""MPPS as SCP (PS3.4 annex F, F12a): the RIS's own code, the vendor's rules."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

from pydicom import Dataset
from pynetdicom.dimse_primitives import N_CREATE, N_SET

from archive.encoding import decode
from archive.responses import replied
from dicom.association.accepted import AcceptedAssociation, Context
from dicom.datasets.encoding import MalformedDatasetError
from dicom.dimse.responses import Reply
from dicom.workflow.procedure_steps import MppsRules, ProcedureSteps


def answer_step(
    rules: MppsRules,
    steps: ProcedureSteps,
    association: AcceptedAssociation,
    context: Context,
    request: N_CREATE | N_SET,
    log: Callable[[str], None],
) -> None:
    """Answer an N-CREATE or N-SET, and keep what it says of the step."""
    response: N_CREATE | N_SET
    if isinstance(request, N_CREATE):
        name, uid = "N-CREATE", str(request.AffectedSOPInstanceUID or "")
        response = N_CREATE()
        response.AffectedSOPClassUID = request.AffectedSOPClassUID
    else:
        name, uid = "N-SET", str(request.RequestedSOPInstanceUID or "")
        response = N_SET()
        response.AffectedSOPClassUID = request.RequestedSOPClassUID
    try:
        attributes = _attributes(request, context)
    except MalformedDatasetError as error:
        reply = Reply.failed(rules.invalid_value, str(error))
    else:
        reply = (
            steps.create(rules, uid, attributes, association.calling)
            if isinstance(request, N_CREATE)
            else steps.set(rules, uid, attributes)
        )
    if reply.dataset is not None and "AffectedSOPInstanceUID" in reply.dataset:
        # a step that the SCP had to name; it goes into the command set
        uid = str(reply.dataset.AffectedSOPInstanceUID)
        reply = reply._replace(dataset=None)
    response.MessageIDBeingRespondedTo = request.MessageID
    if uid:
        response.AffectedSOPInstanceUID = uid
    replied(response, reply, context.transfer_syntax)
    log(f"MPPS {name} from {association.calling} for {uid}: {reply.status:#06x} {reply.comment}")
    association.send(response, context)


def _attributes(request: N_CREATE | N_SET, context: Context) -> Dataset:
    """The request's dataset, looked at to its end.

    Raises:
        MalformedDatasetError: it can't be read.
    """
    content = request.AttributeList if isinstance(request, N_CREATE) else request.ModificationList
    data = content.getvalue() if isinstance(content, BytesIO) else b""
    dataset = decode(data, context.transfer_syntax)
    try:
        dataset.decode()
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise MalformedDatasetError(f"a value can't be read: {error}") from error
    return dataset
