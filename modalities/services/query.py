"""Query/Retrieve SCU: C-FIND and C-MOVE (PS3.4 annex C), reported rung by rung."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom.dimse_messages import C_FIND_RQ, C_MOVE_RQ
from pynetdicom.dimse_primitives import C_FIND, C_MOVE, DimsePrimitiveType

from dicom.association.ends import Caller, Target
from dicom.association.requestor import Association
from dicom.datasets.identifier import attributes_of, dataset_of, decoded, encoded
from dicom.dimse.scu import (
    MEDIUM_PRIORITY,
    PENDING,
    UNCOMPRESSED,
    Patience,
    check_status,
    counters_of,
    message_of,
    status_of,
    tls_of,
)
from dicom.errors import UsageError
from dicom.ladder import StoppedError
from modalities.commands import Command, Report
from modalities.nodes.service import OwnNode, service
from modalities.reports import exchanged

#: Query/Retrieve information models (PS3.4 C.6.1.3 and C.6.2.3).
_FIND_MODELS: Final = {
    "patient": UID("1.2.840.10008.5.1.4.1.2.1.1"),
    "study": UID("1.2.840.10008.5.1.4.1.2.2.1"),
}
_MOVE_MODELS: Final = {
    "patient": UID("1.2.840.10008.5.1.4.1.2.1.2"),
    "study": UID("1.2.840.10008.5.1.4.1.2.2.2"),
}
_CONTEXT: Final = 1
#: PS3.4 C.4.2.1.5: "Sub-operations Complete - One or more Failures", a failure for who asked.
_SOME_FAILED: Final = 0xB000
#: From the request to the final response.
LONGEST_QUERY_SECONDS: Final = 600.0


class Find(Command):
    """C-FIND. ``keys`` maps attribute keywords to match values; empty means universal matching.

    Keywords may be dotted (see ``dicom.datasets.identifier``). ``character_set`` is the
    identifier's Specific Character Set; None is UTF-8 where a value is not plain ASCII.
    """

    kind: Literal["find"] = "find"
    target: Target
    caller: Caller
    model: Literal["study", "patient"] = "study"
    level: str = "STUDY"
    keys: dict[str, str] = Field(default_factory=dict)
    character_set: str | None = None


class Move(Command):
    """C-MOVE of what ``keys`` name to the AE title ``destination``."""

    kind: Literal["move"] = "move"
    target: Target
    caller: Caller
    destination: str
    model: Literal["study", "patient"] = "study"
    level: str = "STUDY"
    keys: dict[str, str] = Field(default_factory=dict)


@service(Find, patience=lambda _command: LONGEST_QUERY_SECONDS)
def _find(command: Find, here: OwnNode) -> Report:
    return find(command, here.exchange, here.name)


@service(Move, patience=lambda _command: LONGEST_QUERY_SECONDS)
def _move(command: Move, here: OwnNode) -> Report:
    return move(command, here.exchange, here.name)


def find(command: Find, exchange: Path, observer: str) -> Report:
    """Carry out a C-FIND; ``answers`` are what came before it ended or stopped.

    Raises:
        UsageError: a key is no attribute keyword, or its value does not fit it.
    """
    model = _FIND_MODELS[command.model]
    identifier = query_identifier(command.level, command.keys, command.character_set)
    association = Association(
        command.target,
        command.caller,
        [(model, UNCOMPRESSED)],
        tls_of(command.target, exchange),
        observer,
    )
    return find_all(association, model, identifier)


def find_all(association: Association, model: str, identifier: Dataset) -> Report:
    """C-FIND on an association that proposes ``model`` first; all answers, or those until it
    stopped.

    Raises:
        UsageError: ``identifier`` can't be encoded.
    """
    answers: list[dict[str, str]] = []

    def carry_out() -> str:
        association.open()
        syntax = association.require(_CONTEXT)
        request = C_FIND()
        request.MessageID = 1
        request.AffectedSOPClassUID = model
        request.Priority = MEDIUM_PRIORITY
        request.Identifier = encoded(identifier, syntax)
        association.send(message_of(C_FIND_RQ(), request), _CONTEXT)
        patience = Patience(LONGEST_QUERY_SECONDS)
        while status_of(response := association.receive()) in PENDING:
            patience.require()
            answers.append(attributes_of(decoded(getattr(response, "Identifier", None), syntax)))
        return check_status(response)

    report = exchanged(association, carry_out)
    return report.model_copy(update={"answers": tuple(answers)})


def move(command: Move, exchange: Path, observer: str) -> Report:
    """Carry out a C-MOVE and wait for its final response.

    Each pending response starts the DIMSE timeout anew, for ``LONGEST_QUERY_SECONDS`` at most. A
    final status 0xB000 is reported as the signature: some sub-operations failed.

    Raises:
        UsageError: a key is no attribute keyword, or a title is none.
    """
    model = _MOVE_MODELS[command.model]
    identifier = query_identifier(command.level, command.keys)
    association = Association(
        command.target,
        command.caller,
        [(model, UNCOMPRESSED)],
        tls_of(command.target, exchange),
        observer,
    )
    counters: dict[str, int] = {}
    request = C_MOVE()
    request.MessageID = 1
    request.AffectedSOPClassUID = model
    request.Priority = MEDIUM_PRIORITY
    try:
        request.MoveDestination = command.destination
    except (ValueError, TypeError) as error:
        raise UsageError(
            f"{command.destination!r} can't be a move destination (an AE title has 1 to 16"
            f" characters): {error}"
        ) from error

    def carry_out() -> str:
        association.open()
        syntax = association.require(_CONTEXT)
        request.Identifier = encoded(identifier, syntax)
        association.send(message_of(C_MOVE_RQ(), request), _CONTEXT)
        patience = Patience(LONGEST_QUERY_SECONDS)
        while status_of(response := association.receive()) in PENDING:
            patience.require()
            counters.update(counters_of(response))
        counters.update(counters_of(response))
        return check_retrieved(response, syntax)

    report = exchanged(association, carry_out)
    return report.model_copy(update={"counters": counters})


def query_identifier(
    level: str, keys: Mapping[str, str], character_set: str | None = None
) -> Dataset:
    """The identifier of a query or retrieval (PS3.4 C.4.1.1.3); an empty ``level`` is left out.

    Raises:
        UsageError: a key is no attribute keyword, or its value does not fit it.
    """
    identifier = dataset_of(keys, character_set)
    if level:
        identifier.QueryRetrieveLevel = level
    return identifier


def check_retrieved(response: DimsePrimitiveType, transfer_syntax: str) -> str:
    """The comment of the final response to a C-MOVE or C-GET: its own, and what failed.

    Raises:
        StoppedError: at ``dimse``, unless its status is success or a warning; 0xB000 is none:
            some sub-operations failed.
    """
    return check_status(response, _failed_instances(response, transfer_syntax), {_SOME_FAILED})


def _failed_instances(response: DimsePrimitiveType, transfer_syntax: str) -> str:
    """Failed SOP Instance UID List (0008,0058) in words."""
    try:
        identifier = decoded(getattr(response, "Identifier", None), transfer_syntax)
    except StoppedError:
        return ""  # what the status says counts; this would only have added to it
    failed = attributes_of(identifier).get("FailedSOPInstanceUIDList", "").replace("\\", ", ")
    return f"(failed instances {failed})" if failed else ""
