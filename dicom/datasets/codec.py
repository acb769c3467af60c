"""Datasets as bytes of a transfer syntax, and back."""

from __future__ import annotations

from io import BytesIO
from typing import Final

from pydicom import Dataset
from pydicom.uid import UID
from pydicom.valuerep import VR
from pynetdicom import dsutils

from dicom.datasets.encoding import (
    UNREADABLE,
    MalformedDatasetError,
    encoding_of,
    refuse_if_cut_short,
)

_KNOWN_VRS: Final = frozenset(str(vr) for vr in VR)


def decode(content: bytes, transfer_syntax: str) -> Dataset:
    """The dataset in ``content``, its values not looked at yet.

    Raises:
        MalformedDatasetError: cut off, or encoded otherwise than its transfer syntax says.
    """
    encoding = encoding_of(transfer_syntax)
    if len(content) % 2:
        raise MalformedDatasetError(f"{len(content)} bytes; every dataset is even (PS3.5 7.1)")
    try:
        dataset = dsutils.decode(
            BytesIO(content), encoding.implicit_vr, encoding.little_endian, encoding.deflated
        )
    except UNREADABLE as error:
        raise MalformedDatasetError(f"the dataset can't be read: {error}") from error
    if dataset.original_encoding[0] not in (None, encoding.implicit_vr):
        raise MalformedDatasetError("the dataset is not encoded as its transfer syntax says")
    refuse_if_cut_short(dataset)
    _refuse_unknown_vrs(dataset)
    return dataset


def _refuse_unknown_vrs(dataset: Dataset) -> None:
    """pydicom reads a VR that there is not, and fails when the value is looked at."""
    for tag in dataset.keys():  # noqa: SIM118  iterating a Dataset would convert its values
        vr = dataset.get_item(tag).VR
        if vr is not None and vr not in _KNOWN_VRS:
            raise MalformedDatasetError(f"{tag} has the VR {vr!r}, which there is not")


def encode(dataset: Dataset, transfer_syntax: str) -> bytes:
    """``dataset`` in ``transfer_syntax``; values not looked at are written as the bytes they were.

    Raises:
        MalformedDatasetError: a value can't be encoded.
    """
    encoding = encoding_of(transfer_syntax)
    content = dsutils.encode(
        dataset, encoding.implicit_vr, encoding.little_endian, encoding.deflated
    )
    if content is None:
        raise MalformedDatasetError(f"the dataset can't be encoded in {UID(transfer_syntax).name}")
    return content
