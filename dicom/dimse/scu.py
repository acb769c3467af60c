"""What every SCU does: make a message, judge the response, report rung by rung."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any, Final

import pydicom.config
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dimse_messages import C_STORE_RQ, C_STORE_RSP, DIMSEMessage
from pynetdicom.dimse_primitives import C_STORE, DimsePrimitiveType
from pynetdicom.status import code_to_category

from dicom.association.ends import Target
from dicom.association.requestor import Association
from dicom.association.tls import client_context
from dicom.ladder import Rung, Signature, StoppedError

#: Verification SOP class (PS3.4 annex A).
VERIFICATION: Final = UID("1.2.840.10008.1.1")
#: Implicit VR Little Endian must be among them: it is all that DCM4CHEE takes (F4b).
UNCOMPRESSED: Final = (str(ImplicitVRLittleEndian), str(ExplicitVRLittleEndian))
MEDIUM_PRIORITY: Final = 0
#: More responses follow (PS3.4 C.4.1.1.4).
PENDING: Final = frozenset({0xFF00, 0xFF01})
_COUNTERS: Final = {
    "completed": "NumberOfCompletedSuboperations",
    "failed": "NumberOfFailedSuboperations",
    "warning": "NumberOfWarningSuboperations",
    "remaining": "NumberOfRemainingSuboperations",
}
#: Characters of an Error Comment (PS3.7 table C.5-1: value representation LO).
_LONGEST_COMMENT: Final = 64
#: Characters of a UID (PS3.5 section 9.1).
_LONGEST_UID: Final = 64
_FURTHER_WORDS: Final = {
    "OffendingElement": "offending element",
    "AttributeIdentifierList": "attributes",
}


def tls_of(target: Target, exchange: Path) -> ssl.SSLContext | None:
    """The context for a target that speaks TLS, else None."""
    return None if target.tls is None else client_context(target.tls, exchange)


@contextlib.contextmanager
def ended(association: Association) -> Iterator[None]:
    """End ``association`` after what is done inside: in order, unless that was broken off."""
    try:
        yield
    except StoppedError:
        association.release()
        raise
    except BaseException:
        association.abort()  # a message may be half out: no release would be understood
        raise
    association.release()


def message_of(message: DIMSEMessage, primitive: DimsePrimitiveType) -> DIMSEMessage:
    """Fill ``message`` from ``primitive``."""
    message.primitive_to_message(primitive)
    return message


def store_request(
    message_id: int,
    sop_class_uid: str,
    sop_instance_uid: str,
    originator: tuple[str, int] | None = None,
) -> DIMSEMessage:
    """C-STORE-RQ (PS3.7 9.1.1) for a dataset whose bytes follow from elsewhere.

    Args:
        originator: who asked for the C-MOVE that this is a part of, and with which message ID.
    """
    request = C_STORE()
    request.MessageID = message_id
    request.AffectedSOPClassUID = sop_class_uid
    request.AffectedSOPInstanceUID = sop_instance_uid[:_LONGEST_UID]
    request.Priority = MEDIUM_PRIORITY
    if originator is not None:
        title, originator_message_id = originator
        request.MoveOriginatorApplicationEntityTitle = title
        request.MoveOriginatorMessageID = originator_message_id
    message = message_of(C_STORE_RQ(), request)
    message.command_set.CommandDataSetType = 0x0001  # a dataset follows (PS3.7 E.1)
    if len(sop_instance_uid) > _LONGEST_UID:
        # the primitive refuses what a careless modality would send
        uid = DataElement(0x00001000, "UI", sop_instance_uid, validation_mode=pydicom.config.IGNORE)
        message.command_set.add(uid)
    return message


def store_response(request: C_STORE, status: int, comment: str = "") -> DIMSEMessage:
    """C-STORE-RSP (PS3.7 9.1.1) to ``request``; a comment is cut to the length that fits."""
    response: Any = C_STORE()  # the library declares its optional parameters as None
    response.MessageIDBeingRespondedTo = request.MessageID
    response.AffectedSOPClassUID = request.AffectedSOPClassUID
    response.AffectedSOPInstanceUID = request.AffectedSOPInstanceUID
    response.Status = status
    if comment:
        response.ErrorComment = comment[:_LONGEST_COMMENT]
    return message_of(C_STORE_RSP(), response)


def check_status(
    response: DimsePrimitiveType, further: str = "", failures: Container[int] = ()
) -> str:
    """The response's comment, and ``further`` words, where its status is success or a warning.

    Raises:
        StoppedError: at ``dimse``, with any other status or one of ``failures``, and what the peer
            says about it.
    """
    status = status_of(response)
    if status is None:
        words = f"{type(response).__name__} without a status {further}".rstrip()
        raise StoppedError(Rung.DIMSE, Signature.aborted(2, 6), words)
    comment = f"{comment_of(response)} {further}".strip()
    category = "Failure" if status in failures else code_to_category(status)
    if category == "Success":
        return comment
    if category == "Warning":
        return f"warning 0x{status:04X} {comment}".rstrip()
    raise StoppedError(Rung.DIMSE, Signature.status(status), comment)


def status_of(response: DimsePrimitiveType) -> int | None:
    """Status of a response, None where it has none or the message is no response."""
    status: int | None = getattr(response, "Status", None)
    return status


def counters_of(response: DimsePrimitiveType) -> dict[str, int]:
    """Sub-operation counters: completed, failed, warning, remaining, as far as it has them."""
    values = {name: getattr(response, keyword, None) for name, keyword in _COUNTERS.items()}
    return {name: int(value) for name, value in values.items() if value is not None}


def comment_of(response: DimsePrimitiveType) -> str:
    """What a response says besides its status (PS3.7 annex C), or nothing."""
    words = [str(getattr(response, "ErrorComment", None) or "").strip()]
    for keyword, name in _FURTHER_WORDS.items():
        value = getattr(response, keyword, None)
        if value is None or value == []:
            continue
        values = value if isinstance(value, list | tuple | MultiValue) else [value]
        words.append(f"({name} {', '.join(map(str, values))})")
    if (error_id := getattr(response, "ErrorID", None)) is not None:
        words.append(f"(error ID 0x{error_id:04X})")
    return " ".join(filter(None, words))


class Patience:
    """Bounds an operation whose peer may send as many pending responses as it likes.

    Each of them starts the DIMSE timeout anew; these ``seconds`` count from now, once for all.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds

    def require(self) -> None:
        """Go on waiting for the final response.

        Raises:
            StoppedError: at ``dimse``, the time is up.
        """
        if time.monotonic() >= self._ends:
            words = f"no final response within {self._seconds:g} s, only pending ones"
            raise StoppedError(Rung.DIMSE, Signature(kind="timeout"), words)
