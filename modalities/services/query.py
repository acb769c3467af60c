"""Query/Retrieve SCU: C-FIND and C-MOVE (PS3.4 annex C), reported rung by rung."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydicom import Dataset
from pydicom.datadict import keyword_dict, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.uid import UID
from pynetdicom.dimse_messages import C_FIND_RQ, C_MOVE_RQ
from pynetdicom.dimse_primitives import C_FIND, C_MOVE, DimsePrimitiveType
from pynetdicom.dsutils import decode, encode

from modalities.association import Association
from modalities.commands import Caller, Command, Report, Target
from modalities.errors import ModalityError
from modalities.ladder import Rung, Signature
from modalities.link import StoppedError
from modalities.near_words import did_you_mean
from modalities.scu import (
    MEDIUM_PRIORITY,
    UNCOMPRESSED,
    check_status,
    comment_of,
    exchanged,
    message_of,
    tls_of,
)
from modalities.service import Here, service

#: Query/Retrieve information models (PS3.4 C.6.1.3 and C.6.2.3).
_FIND_MODELS: Final = {
    "patient": UID("1.2.840.10008.5.1.4.1.2.1.1"),
    "study": UID("1.2.840.10008.5.1.4.1.2.2.1"),
}
_MOVE_MODELS: Final = {
    "patient": UID("1.2.840.10008.5.1.4.1.2.1.2"),
    "study": UID("1.2.840.10008.5.1.4.1.2.2.2"),
}
_PENDING: Final = frozenset({0xFF00, 0xFF01})
#: PS3.4 C.4.2.1.5: "Sub-operations Complete - One or more Failures", a failure for the mover.
_SOME_FAILED: Final = 0xB000
_CONTEXT: Final = 1
_COUNTERS: Final = {
    "completed": "NumberOfCompletedSuboperations",
    "failed": "NumberOfFailedSuboperations",
    "warning": "NumberOfWarningSuboperations",
    "remaining": "NumberOfRemainingSuboperations",
}


class Find(Command):
    """C-FIND. ``keys`` maps attribute keywords to match values; empty means universal matching."""

    kind: Literal["find"] = "find"
    target: Target
    caller: Caller
    model: Literal["study", "patient"] = "study"
    level: str = "STUDY"
    keys: dict[str, str] = Field(default_factory=dict)


class Move(Command):
    """C-MOVE of what ``keys`` name to the AE title ``destination``."""

    kind: Literal["move"] = "move"
    target: Target
    caller: Caller
    destination: str
    model: Literal["study", "patient"] = "study"
    level: str = "STUDY"
    keys: dict[str, str] = Field(default_factory=dict)


#: Every pending response starts the DIMSE timeout anew; how many come is the peer's choice.
_LONGEST_QUERY_SECONDS: Final = 600.0


@service(Find, patience=lambda _command: _LONGEST_QUERY_SECONDS)
def _find(command: Find, here: Here) -> Report:
    return find(command, here.exchange, here.name)


@service(Move, patience=lambda _command: _LONGEST_QUERY_SECONDS)
def _move(command: Move, here: Here) -> Report:
    return move(command, here.exchange, here.name)


def find(command: Find, exchange: Path, observer: str) -> Report:
    """Carry out a C-FIND; ``answers`` are what came before it ended or stopped.

    Raises:
        ModalityError: a key is no attribute keyword, or its value does not fit it.
    """
    model = _FIND_MODELS[command.model]
    identifier = _identifier(command.level, command.keys)
    association = _association(command, model, exchange, observer)
    answers: list[dict[str, str]] = []

    def carry_out() -> str:
        association.open()
        syntax = UID(association.require(_CONTEXT))
        request = C_FIND()
        request.MessageID = 1
        request.AffectedSOPClassUID = model
        request.Priority = MEDIUM_PRIORITY
        request.Identifier = _encoded(identifier, syntax)
        association.send(message_of(C_FIND_RQ(), request), _CONTEXT)
        while _status(response := association.receive()) in _PENDING:
            answers.append(_answer(response, syntax))
        return check_status(response)

    report = exchanged(association, carry_out)
    return report.model_copy(update={"answers": tuple(answers)})


def move(command: Move, exchange: Path, observer: str) -> Report:
    """Carry out a C-MOVE and wait for its final response.

    Each pending response starts the DIMSE timeout anew. A final status 0xB000 is reported as the
    signature: some sub-operations failed.

    Raises:
        ModalityError: a key is no attribute keyword, or a title is none.
    """
    model = _MOVE_MODELS[command.model]
    identifier = _identifier(command.level, command.keys)
    association = _association(command, model, exchange, observer)
    counters: dict[str, int] = {}
    request = C_MOVE()
    request.MessageID = 1
    request.AffectedSOPClassUID = model
    request.Priority = MEDIUM_PRIORITY
    try:
        request.MoveDestination = command.destination
    except (ValueError, TypeError) as error:
        raise ModalityError(
            f"{command.destination!r} can't be a move destination (an AE title has 1 to 16"
            f" characters): {error}"
        ) from error

    def carry_out() -> str:
        association.open()
        request.Identifier = _encoded(identifier, UID(association.require(_CONTEXT)))
        association.send(message_of(C_MOVE_RQ(), request), _CONTEXT)
        while _status(response := association.receive()) in _PENDING:
            counters.update(_counters(response))
        counters.update(_counters(response))
        if _status(response) == _SOME_FAILED:
            raise StoppedError(Rung.DIMSE, Signature.status(_SOME_FAILED), comment_of(response))
        return check_status(response)

    report = exchanged(association, carry_out)
    return report.model_copy(update={"counters": counters})


def _association(command: Find | Move, model: str, exchange: Path, observer: str) -> Association:
    return Association(
        command.target,
        command.caller,
        [(str(model), UNCOMPRESSED)],
        tls_of(command.target, exchange),
        observer,
    )


def _status(response: DimsePrimitiveType) -> int | None:
    status: int | None = getattr(response, "Status", None)
    return status


def _counters(response: DimsePrimitiveType) -> dict[str, int]:
    values = {name: getattr(response, keyword, None) for name, keyword in _COUNTERS.items()}
    return {name: int(value) for name, value in values.items() if value is not None}


def _identifier(level: str, keys: dict[str, str]) -> Dataset:
    """The identifier dataset (PS3.4 C.4.1.1.3); UTF-8 where a value isn't plain ASCII."""
    identifier = Dataset()
    if not all(value.isascii() for value in keys.values()):
        identifier.SpecificCharacterSet = "ISO_IR 192"
    if level:
        identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        if tag_for_keyword(keyword) is None:
            hint = did_you_mean(keyword, keyword_dict)
            raise ModalityError(f"unknown attribute keyword {keyword!r} in query keys{hint}")
        try:
            setattr(identifier, keyword, value)
        except (ValueError, TypeError) as error:
            raise ModalityError(f"{keyword} can't be matched with {value!r}: {error}") from error
    return identifier


def _encoded(identifier: Dataset, syntax: UID) -> BytesIO:
    encoded = encode(identifier, syntax.is_implicit_VR, syntax.is_little_endian)
    if encoded is None:
        raise ModalityError(f"query keys can't be encoded: {identifier}")
    return BytesIO(encoded)


def _answer(response: DimsePrimitiveType, syntax: UID) -> dict[str, str]:
    data = getattr(response, "Identifier", None)
    if data is None:
        return {}
    try:
        dataset = decode(data, syntax.is_implicit_VR, syntax.is_little_endian)
        return {
            element.keyword or f"{element.tag:08X}": _text(element)
            for element in dataset
            if element.VR != "SQ"
        }
    except Exception as error:  # whatever a decoder makes of a malformed identifier
        words = f"identifier of a response can't be decoded: {type(error).__name__}: {error}"
        raise StoppedError(Rung.DIMSE, Signature.aborted(2, 6), words) from error


def _text(element: DataElement) -> str:
    value = element.value
    if isinstance(value, MultiValue):
        return "\\".join(map(str, value))
    return "" if value is None else str(value)
