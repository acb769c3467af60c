"""Data elements as bytes (PS3.5 section 7): taken apart, changed, and put together unrepaired.

pydicom would mend on writing what is to stay wrong: lengths, order, VRs, duplicates. Here an
element is its header's fields and its value's bytes, and nothing checks that they agree.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydicom.datadict import dictionary_has_tag, dictionary_VR

from dicom.datasets.encoding import Encoding
from dicom.errors import UsageError

UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = 0xFFFEE000
ITEM_END: Final = 0xFFFEE00D
SEQUENCE_END: Final = 0xFFFEE0DD
PIXEL_DATA: Final = 0x7FE00010
#: VRs with a 32-bit length in Explicit VR (PS3.5 table 7.1-1).
LONG_VRS: Final = frozenset(
    {"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"}
)
#: What the value of an element of undefined length is encoded in where its VR is UN (PS3.5 6.2.2).
_IMPLICIT: Final = Encoding(
    implicit_vr=True, little_endian=True, deflated=False, encapsulated=False
)
_DEEPEST: Final = 64


@dataclass(frozen=True)
class Element:
    """One data element.

    Attributes:
        tag: ``0xggggeeee``.
        vr: two letters as encoded; in Implicit VR what the data dictionary says, ``UN`` if nothing.
        value: the value's bytes. Where the length is undefined, everything up to and with the
            sequence delimitation item.
        length: what the header says instead of the value's true length.
    """

    tag: int
    vr: str
    value: bytes
    length: int | None = None

    def encoded(self, encoding: Encoding) -> bytes:
        """Header and value.

        Raises:
            UsageError: the length does not fit the 16 bits that its VR has in Explicit VR.
        """
        length = len(self.value) if self.length is None else self.length
        order = "<" if encoding.little_endian else ">"
        tag = struct.pack(order + "HH", self.tag >> 16, self.tag & 0xFFFF)
        if encoding.implicit_vr or self.tag >> 16 == 0xFFFE:
            return tag + struct.pack(order + "L", length) + self.value
        if self.vr in LONG_VRS:
            return tag + self.vr.encode() + struct.pack(order + "HL", 0, length) + self.value
        if length > 0xFFFF:
            raise UsageError(
                f"{tag_text(self.tag)} of VR {self.vr} can't have a length of {length} bytes: in"
                " Explicit VR there are 16 bits for it (PS3.5 7.1.2); choose at most 65535"
            )
        return tag + self.vr.encode() + struct.pack(order + "H", length) + self.value


def tag_text(tag: int) -> str:
    """``(0010,0020)``."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def joined(elements: tuple[Element, ...], encoding: Encoding) -> bytes:
    """The dataset that the elements are."""
    return b"".join(element.encoded(encoding) for element in elements)


def split(data: bytes, encoding: Encoding) -> tuple[Element, ...]:
    """The top-level elements of a dataset; sequences stay the bytes that they are.

    Raises:
        UsageError: ``data`` is not a dataset in this encoding.
    """
    return tuple(_elements(data, encoding))


def dictionary_vr(tag: int) -> str:
    """The VR that the data dictionary gives ``tag``; the first where it leaves a choice."""
    if tag & 0xFFFF == 0:
        return "UL"
    return dictionary_VR(tag).split(" or ")[0] if dictionary_has_tag(tag) else "UN"


def _elements(data: bytes, encoding: Encoding) -> Iterator[Element]:
    position = 0
    while position < len(data):
        tag, vr, length, start = _header(data, position, encoding)
        if length == UNDEFINED:
            inner = _IMPLICIT if vr == "UN" else encoding
            end = _end_of_items(data, start, inner, _DEEPEST)
        else:
            end = start + length
        if end > len(data):
            raise _malformed(position, f"{tag_text(tag)} says {length} bytes, there are fewer")
        yield Element(tag, vr, data[start:end], UNDEFINED if length == UNDEFINED else None)
        position = end


def _header(data: bytes, at: int, encoding: Encoding) -> tuple[int, str, int, int]:
    """Tag, VR, length, and where the value starts."""
    order = "<" if encoding.little_endian else ">"
    try:
        group, number = struct.unpack_from(order + "HH", data, at)
        tag = group << 16 | number
        if encoding.implicit_vr or group == 0xFFFE:
            (length,) = struct.unpack_from(order + "L", data, at + 4)
            return tag, dictionary_vr(tag), length, at + 8
        vr = data[at + 4 : at + 6].decode("ascii")
        if vr in LONG_VRS:
            (length,) = struct.unpack_from(order + "L", data, at + 8)
            return tag, vr, length, at + 12
        (length,) = struct.unpack_from(order + "H", data, at + 6)
    except (struct.error, UnicodeDecodeError) as error:
        raise _malformed(at, str(error)) from error
    if not (vr.isalpha() and vr.isupper()):
        raise _malformed(at, f"{tag_text(tag)} has the VR {vr!r}")
    return tag, vr, length, at + 8


def _end_of_items(data: bytes, start: int, encoding: Encoding, depth: int) -> int:
    """Where the items of an element of undefined length end, delimitation item included."""
    if not depth:
        raise _malformed(start, f"sequences nested more than {_DEEPEST} deep")
    position = start
    while True:
        tag, _, length, value = _header(data, position, encoding)
        if tag == SEQUENCE_END:
            return value
        if tag != ITEM:
            raise _malformed(position, f"expected an item, saw {tag_text(tag)}")
        position = (
            value + length if length != UNDEFINED else _end_of_item(data, value, encoding, depth)
        )


def _end_of_item(data: bytes, start: int, encoding: Encoding, depth: int) -> int:
    position = start
    while True:
        tag, vr, length, value = _header(data, position, encoding)
        if tag == ITEM_END:
            return value
        if length == UNDEFINED:
            inner = _IMPLICIT if vr == "UN" else encoding
            position = _end_of_items(data, value, inner, depth - 1)
        else:
            position = value + length


def _malformed(at: int, why: str) -> UsageError:
    return UsageError(
        f"the dataset can't be altered: at byte {at} it is not encoded as its transfer syntax says"
        f" ({why}); alter the object it was made from"
    )
