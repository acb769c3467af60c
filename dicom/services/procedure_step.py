"""Modality Performed Procedure Step as SCP (PS3.4 annex F): N-CREATE and N-SET."""

from __future__ import annotations

from pynetdicom.dimse_primitives import N_CREATE, N_SET

from dicom.association.accepted import AcceptedAssociation, Context
from dicom.datasets.encoding import UNREADABLE, MalformedDatasetError
from dicom.dimse.responses import DimseReply, Failure
from dicom.services.responses import Decode, content_of, replied, response_to
from dicom.workflow.procedure_steps import MppsRules, ProcedureSteps


def answer_step(
    association: AcceptedAssociation,
    context: Context,
    request: N_CREATE | N_SET,
    rules: MppsRules,
    steps: ProcedureSteps,
    *,
    decode: Decode,
    unreadable: Failure,
) -> str:
    """Answer an N-CREATE or N-SET, keep what it says of the step, and say so in words.

    Args:
        decode: reads the attributes.
        unreadable: answers attributes that can't be read.
    """
    response = response_to(request)
    uid = str(response.AffectedSOPInstanceUID or "")
    try:
        attributes = decode(content_of(request), context.transfer_syntax)
        try:
            attributes.decode()
        except UNREADABLE as error:
            raise MalformedDatasetError(f"a value can't be read: {error}") from error
    except MalformedDatasetError as error:
        reply = DimseReply.failed(unreadable, str(error))
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
        response.AffectedSOPInstanceUID = uid
    replied(response, reply, context.transfer_syntax)
    association.send(response, context)
    kind = type(request).__name__.replace("_", "-")
    words = f"MPPS {kind} from {association.calling} for {uid}: {reply.status:#06x}"
    return f"{words} {reply.comment}"
