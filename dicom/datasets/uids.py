"""UIDs by their keyword, as scenario files and command lines write them."""

from __future__ import annotations

import pydicom.uid
from pydicom.uid import RE_VALID_UID, UID

from dicom.near_words import did_you_mean


def uid_of(name: str) -> str:
    """The UID for a pydicom keyword (``CTImageStorage``, ``JPEG2000Lossless``) or for itself.

    Raises:
        ValueError: neither a valid UID (PS3.5 section 9.1) nor a known keyword.
    """
    if name[:1].isdigit():
        if UID(name).is_valid:
            return name
        raise ValueError(f"{name!r} is not a valid UID (expected to match {RE_VALID_UID})")
    value = getattr(pydicom.uid, name, None)
    if isinstance(value, UID):
        return str(value)
    known = [key for key, constant in vars(pydicom.uid).items() if isinstance(constant, UID)]
    raise ValueError(f"unknown UID keyword {name!r}{did_you_mean(name, known)}")
