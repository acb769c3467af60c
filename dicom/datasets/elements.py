"""Data elements as bytes (PS3.5 section 7): headers read, datasets taken apart and put together.

pydicom mends on writing what may have to stay wrong: lengths, order, VRs, duplicates. Here an
element is its header's fields and its value's bytes, and nothing checks that they agree.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from dicom.datasets.encoding import Encoding, MalformedDatasetError
from dicom.errors import UsageError

UNDEFINED: Final = 0xFFFFFFFF
ITEM: Final = 0xFFFEE000
ITEM_END: Final = 0xFFFEE00D
SEQUENCE_END: Final = 0xFFFEE0DD
PIXEL_DATA: Final = 0x7FE00010
#: What has neither VR nor, but for items, a value (PS3.5 7.5).
DELIMITERS: Final = frozenset({ITEM, ITEM_END, SEQUENCE_END})
#: VRs with a 32-bit length in Explicit VR (PS3.5 table 7.1-1).
LONG_VRS: Final = frozenset(str(vr) for vr in EXPLICIT_VR_LENGTH_32)
#: Bytes of the shortest header of an element (PS3.5 7.1.2, 7.1.3), and of an item's (7.5).
SHORTEST_HEADER: Final = 8
#: What the value of an element of undefined length is encoded in where its VR is UN (PS3.5 6.2.2).
IMPLICIT: Final = Encoding(implicit_vr=True, little_endian=True, deflated=False, encapsulated=False)
_DEEPEST: Final = 64


class Header(NamedTuple):
    """What stands before a value.

    Attributes:
        tag: ``0xggggeeee``.
        vr: as it was read; in Implicit VR what the data dictionary says (``OB or OW``), ``UN`` if
            nothing.
        size: bytes of the header itself.
        length: bytes that it says the value has, or ``UNDEFINED``.
    """

    tag: int
    vr: str
    size: int
    length: int


def as_written(tag: int, letters: bytes) -> str:
    """A VR of any two bytes."""
    del tag
    return letters.decode("latin-1")


def header_at(
    data: bytes, at: int, encoding: Encoding, vr_of: Callable[[int, bytes], str] = as_written
) -> Header | None:
    """The header of the element, item or delimiter at a byte of ``data``; None where it is cut off.

    Args:
        data, at: the dataset, and where in it.
        encoding: of the dataset.
        vr_of: the VR that the two bytes of one are read as, which decides how long the header is.
    """
    if at + SHORTEST_HEADER > len(data):
        return None
    order = "<" if encoding.little_endian else ">"
    group, number = struct.unpack_from(order + "HH", data, at)
    tag = group << 16 | number
    if encoding.implicit_vr or tag in DELIMITERS:
        (length,) = struct.unpack_from(order + "L", data, at + 4)
        return Header(tag, _in_dictionary(tag), 8, length)
    vr = vr_of(tag, data[at + 4 : at + 6])
    if vr not in LONG_VRS:
        (length,) = struct.unpack_from(order + "H", data, at + 6)
        return Header(tag, vr, 8, length)
    if at + 12 > len(data):
        return None
    (length,) = struct.unpack_from(order + "L", data, at + 8)
    return Header(tag, vr, 12, length)


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


def dictionary_vr(tag: int) -> str:
    """The VR that the data dictionary gives ``tag``; the first where it leaves a choice."""
    return _in_dictionary(tag).split(" or ")[0]


def _in_dictionary(tag: int) -> str:
    if tag & 0xFFFF == 0:
        return "UL"
    return dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"


def split(data: bytes, encoding: Encoding) -> tuple[Element, ...]:
    """The top-level elements of a dataset; sequences stay the bytes that they are.

    Raises:
        MalformedDatasetError: ``data`` is not a dataset in this encoding.
    """
    return tuple(_elements(data, encoding))


def _elements(data: bytes, encoding: Encoding) -> Iterator[Element]:
    position = 0
    while position < len(data):
        header = _well_formed(data, position, encoding)
        start = position + header.size
        undefined = header.length == UNDEFINED
        end = _behind(data, start, header, encoding, _DEEPEST)
        if end > len(data):
            words = f"{tag_text(header.tag)} says {header.length} bytes, there are fewer"
            raise _malformed(position, words)
        vr = header.vr.split(" or ")[0]
        yield Element(header.tag, vr, data[start:end], UNDEFINED if undefined else None)
        position = end


def _behind(data: bytes, start: int, header: Header, encoding: Encoding, depth: int) -> int:
    """Where the value that starts at ``start`` ends, the delimiter of its items included."""
    if header.length != UNDEFINED:
        return start + header.length
    if not depth:
        raise _malformed(start, f"sequences nested more than {_DEEPEST} deep")
    encoding = IMPLICIT if header.vr == "UN" else encoding
    position = start
    while True:
        item = _well_formed(data, position, encoding)
        value = position + item.size
        if item.tag == SEQUENCE_END:
            return value
        if item.tag != ITEM:
            raise _malformed(position, f"expected an item, saw {tag_text(item.tag)}")
        position = value + item.length
        if item.length == UNDEFINED:
            position = _end_of_item(data, value, encoding, depth)


def _end_of_item(data: bytes, position: int, encoding: Encoding, depth: int) -> int:
    while True:
        header = _well_formed(data, position, encoding)
        position += header.size
        if header.tag == ITEM_END:
            return position
        position = _behind(data, position, header, encoding, depth - 1)


def _well_formed(data: bytes, at: int, encoding: Encoding) -> Header:
    header = header_at(data, at, encoding)
    if header is None:
        raise _malformed(at, f"{len(data) - at} bytes are no header")
    letters = header.vr.isascii() and header.vr.isalpha() and header.vr.isupper()
    if not (letters or encoding.implicit_vr or header.tag in DELIMITERS):
        raise _malformed(at, f"{tag_text(header.tag)} has the VR {header.vr!r}")
    return header


def _malformed(at: int, why: str) -> MalformedDatasetError:
    return MalformedDatasetError(
        f"at byte {at} it is not encoded as its transfer syntax says ({why})"
    )
