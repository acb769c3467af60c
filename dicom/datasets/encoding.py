"""Encoded datasets: how a transfer syntax encodes them, and whether they are all there."""

from __future__ import annotations

import struct
import zlib
from typing import Final, NamedTuple

from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.uid import UID

_UNDEFINED_LENGTH: Final = 0xFFFFFFFF
#: What pydicom raises of bytes that are not the dataset that they are read as.
UNREADABLE: Final = (
    AttributeError,
    BytesLengthException,
    EOFError,
    InvalidDicomError,
    KeyError,
    NotImplementedError,
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class Encoding(NamedTuple):
    """What PS3.5 annex A says of a transfer syntax."""

    implicit_vr: bool
    little_endian: bool
    deflated: bool
    encapsulated: bool


class MalformedDatasetError(ValueError):
    """Bytes that are not a dataset in the transfer syntax they were sent with."""


def encoding_of(transfer_syntax: str) -> Encoding:
    """Encoding of ``transfer_syntax``; a private one is taken for Explicit VR Little Endian, as
    PS3.5 annex A.4 has it for every encapsulated syntax."""
    uid = UID(transfer_syntax)
    if not uid.is_transfer_syntax:
        return Encoding(False, True, False, True)
    return Encoding(uid.is_implicit_VR, uid.is_little_endian, uid.is_deflated, uid.is_encapsulated)


def refuse_if_cut_short(dataset: Dataset) -> None:
    """Look for a value that is shorter than its length says; pydicom reads on regardless.

    Raises:
        MalformedDatasetError: there is one.
    """
    for tag in dataset.keys():  # noqa: SIM118  iterating a Dataset would convert its values
        element = dataset.get_item(tag)
        if (
            isinstance(element, RawDataElement)
            and element.value is not None
            and element.length not in (_UNDEFINED_LENGTH, len(element.value))
        ):
            raise MalformedDatasetError(
                f"{tag} has {len(element.value)} bytes, its length says {element.length}"
            )
