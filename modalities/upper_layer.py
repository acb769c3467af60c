"""What both ends of an association say alike (PS3.8 section 9.3), in pynetdicom's codecs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

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

from modalities.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

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
