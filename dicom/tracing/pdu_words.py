"""PDUs and DIMSE command sets in the standard's words, for traces.

Every function returns a ``Description``: kind, one-line summary, and the fields that an
administrator (or a rule) looks for. Codes are always present as numbers beside their words.
"""

from __future__ import annotations

import contextlib
import ssl
import struct
from collections.abc import Callable
from io import BytesIO
from typing import Final, NamedTuple

from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import UID
from pynetdicom.dsutils import decode
from pynetdicom.pdu import (
    A_ABORT_RQ,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_ASSOCIATE_RQ,
)

Fields = dict[str, str | int | list[str]]

#: PDU names by type (PS3.8 section 9.3).
PDU_KINDS: Final[dict[int, str]] = {
    0x01: "A-ASSOCIATE-RQ",
    0x02: "A-ASSOCIATE-AC",
    0x03: "A-ASSOCIATE-RJ",
    0x04: "P-DATA-TF",
    0x05: "A-RELEASE-RQ",
    0x06: "A-RELEASE-RP",
    0x07: "A-ABORT",
}

#: TLS record content types (RFC 8446 section 5.1).
TLS_RECORDS: Final[dict[int, str]] = {
    20: "change_cipher_spec",
    21: "alert",
    22: "handshake",
    23: "application_data",
}

_SERVICES: Final[dict[int, str]] = {
    0x0001: "C-STORE",
    0x0010: "C-GET",
    0x0020: "C-FIND",
    0x0021: "C-MOVE",
    0x0030: "C-ECHO",
    0x0100: "N-EVENT-REPORT",
    0x0110: "N-GET",
    0x0120: "N-SET",
    0x0130: "N-ACTION",
    0x0140: "N-CREATE",
    0x0150: "N-DELETE",
    0x0FFF: "C-CANCEL",
}
_RESPONSE_BIT: Final = 0x8000

_TEXT_ELEMENTS: Final[dict[str, str]] = {
    "AffectedSOPClassUID": "sop_class_uid",
    "RequestedSOPClassUID": "sop_class_uid",
    "AffectedSOPInstanceUID": "sop_instance_uid",
    "RequestedSOPInstanceUID": "sop_instance_uid",
    "MoveDestination": "move_destination",
    "MoveOriginatorApplicationEntityTitle": "move_originator",
    "ErrorComment": "error_comment",
}
_NUMBER_ELEMENTS: Final[dict[str, str]] = {
    "MessageID": "message_id",
    "MessageIDBeingRespondedTo": "message_id",
    "NumberOfRemainingSuboperations": "remaining",
    "NumberOfCompletedSuboperations": "completed",
    "NumberOfFailedSuboperations": "failed",
    "NumberOfWarningSuboperations": "warning",
    "EventTypeID": "event_type",
    "ActionTypeID": "action_type",
    "ErrorID": "error_id",
}
_CONTEXT_RESULTS: Final[dict[int, str]] = {
    0: "accepted",
    1: "user rejection",
    2: "no reason given by the provider",
    3: "abstract syntax not supported",
    4: "transfer syntaxes not supported",
}
#: Alerts that the ssl module has no name for (RFC 8446 section 6).
_NEWER_ALERTS: Final[dict[int, str]] = {
    86: "inappropriate_fallback",
    109: "missing_extension",
    116: "certificate_required",
    120: "no_application_protocol",
}


class Description(NamedTuple):
    """What one PDU is and says. ``notable`` marks what a long trace must not lose."""

    kind: str
    summary: str
    fields: Fields
    notable: bool = True


def describe_pdu(pdu_type: int, pdu: bytes) -> Description:
    """Describe a whole PDU (header included) of any type but P-DATA-TF; never raises."""
    kind = PDU_KINDS[pdu_type]
    describe = _DESCRIBERS.get(pdu_type)
    if describe is None:
        return Description(kind, "", {})
    try:
        return Description(kind, *describe(pdu))
    except Exception as error:  # noqa: BLE001  the decoder meets whatever a peer can invent
        problem = f"{type(error).__name__}: {error}"
        return Description(kind, f"can't be decoded ({problem})", {"undecodable": problem})


def describe_command(command_set: bytes, context_id: int) -> Description:
    """Describe an encoded DIMSE command set (Implicit VR Little Endian); never raises.

    The description is of kind ``P-DATA-TF C-STORE-RQ`` and the like.
    """
    try:
        return _describe_command(decode(BytesIO(command_set), True, True), context_id)
    except Exception as error:  # noqa: BLE001  the decoder meets whatever a peer can invent
        problem = f"{type(error).__name__}: {error}"
        fields: Fields = {"undecodable": problem, "context_id": context_id}
        return Description("P-DATA-TF", f"command can't be decoded ({problem})", fields)


def alert_name(description: int) -> str:
    """Name of a TLS alert (RFC 8446 section 6.2): 48 is ``unknown_ca``."""
    with contextlib.suppress(ValueError):
        name = ssl.AlertDescription(description).name
        return name.removeprefix("ALERT_DESCRIPTION_").lower()
    return _NEWER_ALERTS.get(description, str(description))


def context_result(result: int) -> str:
    """Result of a presentation context in words (PS3.8 table 9-18)."""
    return _CONTEXT_RESULTS.get(result, "reserved result")


def name_of(uid: str | None) -> str:
    """A UID's name in PS3.6, or the UID itself where it has none."""
    return UID(uid).name if uid else "none"


def whole_text(value: object) -> str:
    """A text as it was sent; pydicom takes the backslash of a path for the end of a value."""
    return "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value)


def _associate_rq(pdu: bytes) -> tuple[str, Fields]:
    request = A_ASSOCIATE_RQ()
    request.decode(pdu)
    contexts = [
        f"{item.context_id}: {name_of(item.abstract_syntax)}"
        f" [{', '.join(name_of(uid) for uid in item.transfer_syntax)}]"
        for item in request.presentation_context
    ]
    calling, called = _title(request.calling_ae_title), _title(request.called_ae_title)
    fields: Fields = {
        "calling_aetitle": calling,
        "called_aetitle": called,
        "contexts": contexts,
        **_user_information(request),
    }
    return f"{calling} calls {called}, {_count(len(contexts), 'context')} proposed", fields


def _associate_ac(pdu: bytes) -> tuple[str, Fields]:
    answer = A_ASSOCIATE_AC()
    answer.decode(pdu)
    contexts, results = [], []
    for item in answer.presentation_context:
        number = item.presentation_context_id
        result = -1 if item.result_reason is None else item.result_reason
        syntax = f" [{name_of(item.transfer_syntax)}]" if result == 0 else ""
        contexts.append(f"{number}: {context_result(result)} ({result}){syntax}")
        results.append(f"{number}={result}")
    accepted = sum(1 for item in answer.presentation_context if item.result_reason == 0)
    fields: Fields = {"contexts": contexts, "results": results, **_user_information(answer)}
    return f"accepts {accepted} of {_count(len(contexts), 'context')}", fields


def _associate_rj(pdu: bytes) -> tuple[str, Fields]:
    reject = A_ASSOCIATE_RJ()
    reject.decode(pdu)
    result, source, reason = reject.result, reject.source, reject.reason_diagnostic
    words = "reserved"
    with contextlib.suppress(ValueError):
        words = f"{reject.result_str}, {reject.source_str}: {reject.reason_str}"
    fields: Fields = {"result": result or 0, "source": source or 0, "reason": reason or 0}
    return f"{words} ({result}/{source}/{reason})", fields


def _abort(pdu: bytes) -> tuple[str, Fields]:
    abort = A_ABORT_RQ()
    abort.decode(pdu)
    source, reason = abort.source, abort.reason_diagnostic
    words = f"{abort.source_str}: {abort.reason_str}" if source == 2 else abort.source_str
    fields: Fields = {"source": source or 0, "reason": reason or 0}
    return f"{words} ({source}/{reason})", fields


_DESCRIBERS: Final[dict[int, Callable[[bytes], tuple[str, Fields]]]] = {
    0x01: _associate_rq,
    0x02: _associate_ac,
    0x03: _associate_rj,
    0x07: _abort,
}


def _user_information(pdu: A_ASSOCIATE_RQ | A_ASSOCIATE_AC) -> Fields:
    information = pdu.user_information
    if information is None:
        return {}
    fields: Fields = {}
    if information.maximum_length is not None:
        fields["max_pdu_length"] = int(information.maximum_length)
    if information.implementation_class_uid:
        fields["implementation_class_uid"] = str(information.implementation_class_uid)
    if information.implementation_version_name:
        fields["implementation_version_name"] = str(information.implementation_version_name)
    roles = [
        f"{name_of(uid)}: SCU {int(bool(item.scu_role))}, SCP {int(bool(item.scp_role))}"
        for uid, item in (information.role_selection or {}).items()
    ]
    extended = [
        f"{name_of(item.uid)}: {(item.app_info or b'').hex(' ')}" for item in information.ext_neg
    ]
    if roles:
        fields["roles"] = roles
    if extended:
        fields["extended_negotiation"] = extended
    if (window := information.async_ops_window) is not None:
        fields["max_operations_invoked"] = int(window.max_operations_invoked or 0)
        fields["max_operations_performed"] = int(window.max_operations_performed or 0)
    if (identity := information.user_identity) is not None:
        # what kind only: a trace ends up in reports
        kind = getattr(identity, "user_identity_type", None)
        fields["user_identity"] = "server response" if kind is None else f"type {kind}"
    return fields


def _describe_command(command: Dataset, context_id: int) -> Description:
    code = int(command.CommandField)
    service = _SERVICES.get(code & ~_RESPONSE_BIT)
    response = bool(code & _RESPONSE_BIT)
    name = f"{service}-{'RSP' if response else 'RQ'}" if service else f"command 0x{code:04X}"
    fields: Fields = {"command": name, "context_id": context_id}
    for keyword, field in _TEXT_ELEMENTS.items():
        if value := command.get(keyword):
            fields[field] = whole_text(value).strip()
    for keyword, field in _NUMBER_ELEMENTS.items():
        if (number := command.get(keyword)) is not None:
            fields[field] = int(number)
    words = [name_of(str(fields["sop_class_uid"]))] if "sop_class_uid" in fields else []
    notable = False
    if (status := command.get("Status")) is not None:
        fields["status"] = f"0x{status:04X}"
        words.append(f"status 0x{status:04X}")
        notable = status not in (0x0000, 0xFF00, 0xFF01)
    if "move_destination" in fields:
        words.append(f"to {fields['move_destination']}")
    if "error_comment" in fields:
        words.append(str(fields["error_comment"]))
    return Description(f"P-DATA-TF {name}", ", ".join(words), fields, notable)


def _title(value: str | bytes | None) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else value or ""
    return text.strip()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tls_record_header(header: bytes) -> tuple[int, int] | None:
    """Content type and length from a 5-byte TLS record header; None if it isn't one."""
    kind, major, _minor, length = struct.unpack(">BBBH", header)
    # RFC 8446 5.1/5.2: 2^14 bytes of plaintext, at most 256 more in a ciphertext (2048 in TLS 1.2)
    if kind not in TLS_RECORDS or major != 3 or length > 16384 + 2048:
        return None
    return kind, length
