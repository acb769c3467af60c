"""Datasets from one transfer syntax into another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import dcmread

from dicom.datasets.codec import encode
from dicom.datasets.encoding import MalformedDatasetError, encoding_of


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
