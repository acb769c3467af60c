"""Datasets as bytes: how a transfer syntax encodes them, and whether they fit it."""

from __future__ import annotations

import zlib
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement
from pydicom.uid import UID
from pynetdicom import dsutils


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
    PS3.5 section 10.2 has it for every encapsulated syntax."""
    uid = UID(transfer_syntax)
    if not uid.is_transfer_syntax:
        return Encoding(False, True, False, True)
    return Encoding(uid.is_implicit_VR, uid.is_little_endian, uid.is_deflated, uid.is_encapsulated)


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
    except (ValueError, EOFError, NotImplementedError, OSError, KeyError, zlib.error) as error:
        raise MalformedDatasetError(f"the dataset can't be read: {error}") from error
    if dataset.original_encoding[0] not in (None, encoding.implicit_vr):
        raise MalformedDatasetError("the dataset is not encoded as its transfer syntax says")
    _check_complete(dataset)
    return dataset


def _check_complete(dataset: Dataset) -> None:
    """pydicom takes what is there of a value that the end of the stream cut off."""
    for tag in dataset.keys():  # noqa: SIM118  iterating a Dataset would convert its values
        element = dataset.get_item(tag)
        if (
            isinstance(element, RawDataElement)
            and element.value is not None
            and element.length != 0xFFFFFFFF
            and len(element.value) != element.length
        ):
            raise MalformedDatasetError(
                f"{tag} has {len(element.value)} bytes, its length says {element.length}"
            )


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


def reencode(path: Path, stored: str, wanted: str) -> bytes:
    """The dataset of a Part-10 file in ``stored`` as the uncompressed syntax ``wanted`` has it.

    Raises:
        MalformedDatasetError: its pixel data can't be decompressed here, or a value not encoded.
    """
    before, after = encoding_of(stored), encoding_of(wanted)
    dataset = dcmread(path)
    if before.encapsulated:
        try:
            dataset.decompress(as_rgb=False, generate_instance_uid=False)
        except (RuntimeError, NotImplementedError, ValueError, AttributeError) as error:
            raise MalformedDatasetError(f"can't be decompressed: {error}") from error
    elif (
        before.little_endian != after.little_endian
        and "PixelData" in dataset
        and dataset["PixelData"].VR == "OW"
    ):
        # Words of OW change their byte order with the syntax (PS3.5 section 7.3).
        dataset.PixelData = np.frombuffer(dataset.PixelData, ">u2").astype("<u2").tobytes()
    return encode(dataset, wanted)
