"""A composite instance as it arrives in a C-STORE request."""

from __future__ import annotations

from io import BytesIO

from pynetdicom.dsutils import decode

from dicom.datasets.encoding import (
    UNREADABLE,
    MalformedDatasetError,
    encoding_of,
    refuse_if_cut_short,
)
from dicom.datasets.fingerprint import Fingerprint, fingerprint


def fingerprint_on_arrival(data: BytesIO | None, transfer_syntax: str) -> Fingerprint:
    """Fingerprint of the dataset that came with a C-STORE request.

    Raises:
        MalformedDatasetError: it is no dataset in ``transfer_syntax``, or cut short.
    """
    encoding = encoding_of(transfer_syntax)
    try:
        dataset = decode(
            data or BytesIO(), encoding.implicit_vr, encoding.little_endian, encoding.deflated
        )
        refuse_if_cut_short(dataset)
        return fingerprint(dataset, transfer_syntax)
    except MalformedDatasetError:
        raise
    except UNREADABLE as error:
        raise MalformedDatasetError(f"{type(error).__name__}: {error}") from error
