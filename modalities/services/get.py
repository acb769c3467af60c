"""Query/Retrieve SCU: C-GET (PS3.4 C.4.3), whose C-STORE sub-operations come back on the same
association, for which the requestor needs the SCP role of the storage classes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydicom.uid import UID
from pynetdicom.dimse_messages import C_GET_RQ
from pynetdicom.dimse_primitives import C_GET, C_STORE

from dicom.association.ends import Caller, Target
from dicom.association.negotiated import RoleSelection
from dicom.association.requestor import Association
from dicom.datasets.arrival import fingerprint_on_arrival
from dicom.datasets.encoding import MalformedDatasetError
from dicom.datasets.identifier import encoded
from dicom.datasets.storage_classes import STORAGE_CLASSES
from dicom.dimse.scu import (
    MEDIUM_PRIORITY,
    PENDING,
    UNCOMPRESSED,
    Patience,
    counters_of,
    message_of,
    status_of,
    store_response,
    tls_of,
)
from modalities.commands import Command, ReceivedInstance, Report
from modalities.nodes.service import OwnNode, service
from modalities.reports import exchanged
from modalities.services.query import LONGEST_QUERY_SECONDS, check_retrieved, query_identifier

#: Query/Retrieve information models (PS3.4 C.6.1.3 and C.6.2.3).
_MODELS: Final = {
    "patient": UID("1.2.840.10008.5.1.4.1.2.1.3"),
    "study": UID("1.2.840.10008.5.1.4.1.2.2.3"),
}
_CONTEXT: Final = 1
_SUCCESS: Final = 0x0000
_SOP_CLASS_NOT_SUPPORTED: Final = 0x0122
_CANNOT_UNDERSTAND: Final = 0xC000


class Get(Command):
    """C-GET of what ``keys`` name.

    ``storage_classes`` are proposed beside the information model, each in ``transfer_syntaxes``:
    all in one presentation context, of which the acceptor takes one, or one context per syntax.
    At most 128 contexts fit. ``storage_role`` is what role selection proposes for us: ``scp`` as
    the standard has it, ``both`` as some SCPs insist on, or ``none`` for no role selection at all,
    so that no instance may be sent to us. One that is sent all the same, without a granted SCP
    role, is refused with 0x0122 unless ``lenient``.
    """

    kind: Literal["get"] = "get"
    target: Target
    caller: Caller
    model: Literal["study", "patient"] = "study"
    level: str = "STUDY"
    keys: dict[str, str] = Field(default_factory=dict)
    storage_classes: tuple[str, ...] = STORAGE_CLASSES
    transfer_syntaxes: tuple[str, ...] = UNCOMPRESSED
    one_context_per_syntax: bool = False
    storage_role: Literal["scp", "both", "none"] = "scp"
    lenient: bool = False


@service(Get, patience=lambda _command: LONGEST_QUERY_SECONDS)
def _get(command: Get, here: OwnNode) -> Report:
    return get(command, here.exchange, here.name)


def get(command: Get, exchange: Path, observer: str) -> Report:
    """Carry out a C-GET to its final response.

    Every instance that arrives is answered with success and fingerprinted into ``received``,
    with the titles of the association. One that can't be read is answered 0xC000. A final
    status 0xB000 is reported as the signature: some sub-operations failed.

    Raises:
        UsageError: a key is no attribute keyword, or more than 128 contexts are asked for.
    """
    model = _MODELS[command.model]
    identifier = query_identifier(command.level, command.keys)
    association = Association(
        command.target,
        command.caller.model_copy(update={"roles": _roles(command)}),
        [(model, UNCOMPRESSED), *_storage_contexts(command)],
        tls_of(command.target, exchange),
        observer,
    )
    counters: dict[str, int] = {}
    received: list[ReceivedInstance] = []

    def carry_out() -> str:
        association.open()
        syntax = association.require(_CONTEXT)
        request = C_GET()
        request.MessageID = 1
        request.AffectedSOPClassUID = model
        request.Priority = MEDIUM_PRIORITY
        request.Identifier = encoded(identifier, syntax)
        association.send(message_of(C_GET_RQ(), request), _CONTEXT)
        patience = Patience(LONGEST_QUERY_SECONDS)
        while True:
            context_id, message, _ = association.receive_any(command.caller.timeouts.dimse)
            if isinstance(message, C_STORE):
                received.extend(_stored(association, context_id, message, command))
                continue
            counters.update(counters_of(message))
            if status_of(message) not in PENDING:
                return check_retrieved(message, syntax)
            patience.require()

    report = exchanged(association, carry_out)
    return report.model_copy(update={"counters": counters, "received": tuple(received)})


def _storage_contexts(command: Get) -> Iterator[tuple[str, tuple[str, ...]]]:
    for storage_class in command.storage_classes:
        if command.one_context_per_syntax:
            for syntax in command.transfer_syntaxes:
                yield storage_class, (syntax,)
        else:
            yield storage_class, command.transfer_syntaxes


def _roles(command: Get) -> tuple[RoleSelection, ...]:
    """Those of the storage classes, where the caller does not say otherwise; in that order."""
    given = command.caller.roles
    if command.storage_role == "none":
        return given
    spoken_for = {role.sop_class for role in given}
    both = command.storage_role == "both"
    return (
        *given,
        *(
            RoleSelection(sop_class=each, scu=both, scp=True)
            for each in dict.fromkeys(command.storage_classes)
            if each not in spoken_for
        ),
    )


def _stored(
    association: Association, context_id: int, request: C_STORE, command: Get
) -> Iterator[ReceivedInstance]:
    """Answer a C-STORE sub-operation; yields the instance if it was taken."""
    status, comment, held = _SUCCESS, "", None
    syntax = association.syntaxes.get(context_id)
    granted = () if association.negotiated is None else association.negotiated.roles
    as_scp = any(role.scp and role.sop_class == request.AffectedSOPClassUID for role in granted)
    if syntax is None:
        status, comment = _SOP_CLASS_NOT_SUPPORTED, f"context {context_id} was not accepted"
    elif not (as_scp or command.lenient):
        status, comment = _SOP_CLASS_NOT_SUPPORTED, "no SCP role was negotiated for this SOP class"
    else:
        try:
            held = fingerprint_on_arrival(request.DataSet, syntax)
        except MalformedDatasetError as error:
            status, comment = _CANNOT_UNDERSTAND, str(error)
    association.send(store_response(request, status, comment), context_id)
    if held is not None:
        yield ReceivedInstance(
            fingerprint=held,
            calling_aetitle=command.caller.calling,
            called_aetitle=command.target.called,
        )
