"""Attributes by name, and values as bytes whether or not they are valid (PS3.5 section 6)."""

from __future__ import annotations

import re
import struct
from typing import Annotated, Final

from pydantic import AfterValidator
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import keyword_for_tag, tag_for_keyword

from dicom.near_words import did_you_mean

_TAG: Final = re.compile(r"\(?([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})\)?")
_BINARY: Final = {
    "FD": "d",
    "FL": "f",
    "SL": "l",
    "SS": "h",
    "SV": "q",
    "UL": "L",
    "US": "H",
    "UV": "Q",
}
#: Longest value in characters, for the VRs that have a maximum (PS3.5 table 6.2-1); of a PN a
#: component group.
MAXIMUM_LENGTHS: Final = {
    "AE": 16,
    "AS": 4,
    "CS": 16,
    "DA": 8,
    "DS": 16,
    "DT": 26,
    "IS": 12,
    "LO": 64,
    "LT": 10240,
    "PN": 64,
    "SH": 16,
    "ST": 1024,
    "TM": 14,
    "UI": 64,
}


def _named(text: str) -> str:
    """The keyword of an attribute, or ``ggggeeee`` where it has none.

    Raises:
        ValueError: neither a keyword nor a tag.
    """
    found = _TAG.fullmatch(text)
    if found:
        tag = int(found[1] + found[2], 16)
        return keyword_for_tag(tag) or f"{tag:08X}"
    if tag_for_keyword(text) is None:
        known = [entry[4] for entry in DicomDictionary.values() if entry[4]]
        raise ValueError(
            f"unknown attribute {text!r}{did_you_mean(text, known)} (a keyword such as PatientID,"
            " or a tag such as 0010,0020)"
        )
    return text


#: An attribute as keyword (``PatientID``) or tag (``0010,0020``, ``00100020``).
Attribute = Annotated[str, AfterValidator(_named)]


def tag_of(attribute: str) -> int:
    """``0xggggeeee`` of an ``Attribute``."""
    tag = tag_for_keyword(attribute)
    return int(attribute, 16) if tag is None else int(tag)


def padded(value: bytes, vr: str) -> bytes:
    """``value`` made even as its VR wants it (PS3.5 section 6.2)."""
    if len(value) % 2 == 0:
        return value
    text = vr in {*MAXIMUM_LENGTHS, "UC", "UR", "UT"} and vr != "UI"
    return value + (b" " if text else b"\0")


def value_bytes(text: str, vr: str, *, little_endian: bool) -> bytes:
    """``text`` as a value of ``vr``; where it can't be one, its characters in UTF-8 all the same.

    Numbers of binary VRs are separated by backslashes.
    """
    code = _BINARY.get(vr)
    if code is not None:
        number = float if code in "df" else int
        order = "<" if little_endian else ">"
        try:
            return b"".join(struct.pack(order + code, number(each)) for each in text.split("\\"))
        except (ValueError, struct.error):
            pass  # not a number of this VR: what it is asked for, then, is an invalid value
    return padded(text.encode(), vr)
