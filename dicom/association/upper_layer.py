"""What both ends of an association say alike (PS3.8 section 9.3), in pynetdicom's codecs."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, NamedTuple

from pynetdicom.pdu import A_ABORT_RQ, A_RELEASE_RP, A_RELEASE_RQ
from pynetdicom.pdu_primitives import (
    A_ABORT,
    A_P_ABORT,
    A_RELEASE,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext

from dicom.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

#: PDU types (PS3.8 9.3.1).
ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA = 0x01, 0x02, 0x03, 0x04
RELEASE_RQ, RELEASE_RP, ABORT = 0x05, 0x06, 0x07
#: Bytes of an A-ASSOCIATE-RJ, A-RELEASE-RQ, A-RELEASE-RP or A-ABORT, header included.
SHORT_PDU: Final = 10
#: DICOM application context (PS3.7 annex A.2.1).
APPLICATION_CONTEXT: Final = "1.2.840.10008.3.1.1.1"
#: Fragment size towards a peer that announces no limit (maximum length 0).
UNLIMITED: Final = 1 << 17


class UserInformation(NamedTuple):
    """The sub-items that every A-ASSOCIATE-RQ and -AC of ours carries (PS3.7 annex D.3.3)."""

    length: MaximumLengthNotification
    implementation: ImplementationClassUIDNotification
    version: ImplementationVersionNameNotification


def user_information(max_pdu_length: int) -> UserInformation:
    """Who we are, and the longest PDU (bytes, 0: any) that we take.

    Raises:
        ValueError: no such length can be announced.
    """
    items = UserInformation(
        MaximumLengthNotification(),
        ImplementationClassUIDNotification(),
        ImplementationVersionNameNotification(),
    )
    items.length.maximum_length_received = max_pdu_length
    items.implementation.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    items.version.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    return items


def presentation_context(
    context_id: int, abstract_syntax: str, transfer_syntaxes: Sequence[str]
) -> PresentationContext:
    """A presentation context as proposed; with one syntax and a ``result``, as answered.

    Raises:
        ValueError: a UID that is none, or an identifier that is not odd.
    """
    context = PresentationContext()
    context.context_id = context_id
    context.abstract_syntax = abstract_syntax
    context.transfer_syntax = list(transfer_syntaxes)
    return context


def fragments(
    dataset: BinaryIO, context_id: int, max_length: int, *, deflated: bool
) -> Iterator[bytes]:
    """P-DATA-TF PDUs (PS3.8 9.3.5, annex E.2) of a dataset, one buffer at a time.

    Args:
        max_length: what the peer takes in one PDU, in bytes; 0 for any.
        deflated: the dataset is one deflated stream (PS3.5 annex A.5).
    """
    size = max((max_length or UNLIMITED) - 6, 2) // 2 * 2
    fragment = dataset.read(size)
    while True:
        following = dataset.read(size)
        if deflated and not following and len(fragment) % 2:
            # the standard pads the stream; many files lack it, and Orthanc never answers an odd
            # fragment
            fragment += b"\0"
        control = 0x00 if following else 0x02
        length = len(fragment)
        header = struct.pack(">BBLLBB", P_DATA, 0, length + 6, length + 2, context_id, control)
        yield header + fragment
        if not following:
            return
        fragment = following


def release_request() -> bytes:
    """A-RELEASE-RQ."""
    encoded: bytes = A_RELEASE_RQ(A_RELEASE()).encode()
    return encoded


def release_response() -> bytes:
    """A-RELEASE-RP."""
    primitive = A_RELEASE()
    primitive.result = "affirmative"
    encoded: bytes = A_RELEASE_RP(primitive).encode()
    return encoded


def abort(source: int = 0, reason: int = 0) -> bytes:
    """A-ABORT by the service user (0) or, with a reason, by the provider (2) (PS3.8 9.3.8)."""
    primitive: A_ABORT | A_P_ABORT
    if source == 0:
        primitive = A_ABORT()
        primitive.abort_source = 0
    else:
        primitive = A_P_ABORT()
        primitive.provider_reason = reason
    encoded: bytes = A_ABORT_RQ(primitive).encode()
    return encoded
