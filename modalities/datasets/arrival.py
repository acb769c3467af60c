"""A composite instance as it arrives in a C-STORE request."""

from __future__ import annotations

import zlib
from io import BytesIO

from pynetdicom.dsutils import decode

from modalities.datasets.encoding import MalformedDatasetError, encoding_of, refuse_if_cut_short
from modalities.datasets.fingerprint import Fingerprint, fingerprint


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
    except (ValueError, TypeError, KeyError, AttributeError, EOFError, OSError, zlib.error) as e:
        raise MalformedDatasetError(f"{type(e).__name__}: {e}") from e
