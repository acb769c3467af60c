"""What every SCU does: make a message, judge the response, report rung by rung."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dimse_messages import C_STORE_RQ, DIMSEMessage
from pynetdicom.dimse_primitives import C_STORE, DimsePrimitiveType
from pynetdicom.status import code_to_category

from modalities.association import Association
from modalities.commands import Report, Target
from modalities.ladder import Rung, Signature
from modalities.link import StoppedError
from modalities.tls import client_context

#: Verification SOP class (PS3.4 annex A).
VERIFICATION: Final = UID("1.2.840.10008.1.1")
#: Implicit VR Little Endian must be among them: it is all that DCM4CHEE takes (F4b).
UNCOMPRESSED: Final = (str(ImplicitVRLittleEndian), str(ExplicitVRLittleEndian))
MEDIUM_PRIORITY: Final = 0
_MAX_MESSAGE_ID: Final = 0xFFFF


def tls_of(target: Target, exchange: Path) -> ssl.SSLContext | None:
    """The context for a target that speaks TLS, else None."""
    return None if target.tls is None else client_context(target.tls, exchange)


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
    request.AffectedSOPInstanceUID = sop_instance_uid
    request.Priority = MEDIUM_PRIORITY
    if originator is not None:
        title, originator_message_id = originator
        request.MoveOriginatorApplicationEntityTitle = title
        request.MoveOriginatorMessageID = originator_message_id
    message = message_of(C_STORE_RQ(), request)
    message.command_set.CommandDataSetType = 0x0001  # a dataset follows (PS3.7 E.1)
    return message


def check_status(response: DimsePrimitiveType) -> str:
    """The response's comment where its status is success or a warning.

    Raises:
        StoppedError: at ``dimse``, with any other status and what the peer says about it.
    """
    status = getattr(response, "Status", None)
    if status is None:
        words = f"{type(response).__name__} without a status"
        raise StoppedError(Rung.DIMSE, Signature.aborted(2, 6), words)
    comment = comment_of(response)
    category = code_to_category(status)
    if category == "Success":
        return comment
    if category == "Warning":
        return f"warning 0x{status:04X} {comment}".rstrip()
    raise StoppedError(Rung.DIMSE, Signature.status(status), comment)


def comment_of(response: DimsePrimitiveType) -> str:
    """Error Comment and Offending Element of a response (PS3.7 annex C), or nothing."""
    comment = str(getattr(response, "ErrorComment", None) or "").strip()
    offending = getattr(response, "OffendingElement", None)
    if offending:
        elements = offending if isinstance(offending, list | tuple) else [offending]
        comment = f"{comment} (offending element {', '.join(map(str, elements))})".strip()
    return comment


def exchanged(association: Association, carry_out: Callable[[], str]) -> Report:
    """Run ``carry_out`` (which answers with a comment), end the association, and report."""
    rung: Rung = Rung.DIMSE
    signature: Signature | None = None
    try:
        comment = carry_out()
    except StoppedError as stopped:
        rung, signature, comment = stopped.rung, stopped.signature, stopped.comment
    finally:
        association.release()
    return Report(rung=rung, signature=signature, comment=comment, traces=(association.trace(),))
