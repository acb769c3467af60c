"""DICOM JSON (PS3.18 annex F) as an origin server answers it."""

from __future__ import annotations

import json
from typing import Final

from pydicom import Dataset

from dicom.ladder import Rung, Signature, StoppedError

_SHOWN: Final = 80


def datasets(body: bytes) -> list[Dataset]:
    """The datasets of an answer: of a JSON array, or the one that is not in an array.

    Bulk data that an answer only points to (BulkDataURI) is an empty value here.

    Raises:
        StoppedError: at ``dimse``, not-dicom: it is something else.
    """
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise _no_dicom(body, str(error)) from error
    items = answer if isinstance(answer, list) else [answer]
    found = []
    for item in items:
        if not isinstance(item, dict):
            raise _no_dicom(body, f"{type(item).__name__} where a dataset should be")
        try:
            found.append(Dataset.from_json(item, lambda _tag, _vr, _uri: b""))
        except Exception as error:  # whatever a decoder makes of malformed elements
            raise _no_dicom(body, f"{type(error).__name__}: {error}") from error
    return found


def _no_dicom(body: bytes, why: str) -> StoppedError:
    words = f"expected DICOM JSON, saw {body[:_SHOWN]!r} ({why})"
    return StoppedError(Rung.DIMSE, Signature(kind="not-dicom"), words)
