"""Where an encoded dataset breaks, for a reader that follows every length (PS3.5 7.1, 7.5).

pydicom reads sequences leniently, and only when they are looked at. Products that read strictly
give a dataset up in the middle, with the rest of it still to come: for them it counts where.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left
from dataclasses import dataclass
from typing import Final, Literal

from pydicom.valuerep import VR

from dicom.datasets.elements import (
    ITEM,
    ITEM_END,
    LONG_VRS,
    PIXEL_DATA,
    SEQUENCE_END,
    SHORTEST_HEADER,
    UNDEFINED,
    Header,
    as_written,
    header_at,
)
from dicom.datasets.encoding import Encoding, MalformedDatasetError, encoding_of

_INFLATE_STEP: Final = 256
_KNOWN_VRS: Final = frozenset(str(vr) for vr in VR)


class BrokenStructureError(MalformedDatasetError):
    """A dataset in which reading on makes no sense; ``noticed`` after so many of its bytes."""

    def __init__(self, noticed: int, words: str) -> None:
        super().__init__(f"{words}, noticed after {noticed} bytes")
        self.noticed = noticed


def strictly_read(
    content: bytes, transfer_syntax: str, *, unprintable_vr: Literal["guessed", "unparsable"]
) -> bytes:
    """Follow every length of a dataset.

    An element that is the last one and has nothing of its value is taken for empty; a dataset that
    otherwise ends too early is left to ``decode``.

    Args:
        content: the encoded dataset.
        transfer_syntax: UID.
        unprintable_vr: what to do with a VR of bytes that are no printable characters.

    Returns:
        The dataset as it was understood; ``content`` but for that last element.

    Raises:
        BrokenStructureError: there is an element longer than its item, something else than an item
            in a sequence, an unprintable VR, encapsulated pixel data in a native transfer syntax,
            or a deflated stream that is none.
        MalformedDatasetError: pixel data are native, the transfer syntax is an encapsulated one.
    """
    encoding = encoding_of(transfer_syntax)
    inflated = _Inflated(content) if encoding.deflated else None
    reader = _Reader(content if inflated is None else inflated.content, encoding, unprintable_vr)
    try:
        reader.run()
    except BrokenStructureError as error:
        if inflated is not None:
            error.noticed = inflated.deflated_bytes(error.noticed)
        raise
    if encoding.encapsulated and reader.native_pixels:
        raise MalformedDatasetError("native pixel data in an encapsulated transfer syntax")
    if reader.valueless is None or inflated is not None:
        return content
    return _with_empty_value(content, reader.valueless, implicit=encoding.implicit_vr)


def _with_empty_value(content: bytes, last: Header, *, implicit: bool) -> bytes:
    """``content`` with a last element of length 0; a VR that there is not becomes UN."""
    tag_end = len(content) - last.size + 4
    if implicit:
        return content[:tag_end] + bytes(4)
    vr = last.vr if last.vr in _KNOWN_VRS else "UN"
    return content[:tag_end] + vr.encode() + bytes(6 if vr in LONG_VRS else 2)


class _Inflated:
    """A deflated dataset (PS3.5 annex A.5) inflated step by step, to know what came out of what."""

    def __init__(self, deflated: bytes) -> None:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        inflated = bytearray()
        self._lengths: list[int] = []
        for start in range(0, len(deflated), _INFLATE_STEP):
            try:
                inflated += inflater.decompress(deflated[start : start + _INFLATE_STEP])
            except zlib.error as error:
                raise BrokenStructureError(start + _INFLATE_STEP, str(error)) from error
            self._lengths.append(len(inflated))
        self.content = bytes(inflated)

    def deflated_bytes(self, inflated_bytes: int) -> int:
        """How many deflated bytes it takes to have so many inflated ones, rounded up to steps."""
        return (bisect_left(self._lengths, inflated_bytes) + 1) * _INFLATE_STEP


@dataclass(frozen=True)
class _Frame:
    """What is being read: elements of a dataset or item, items of a sequence, or fragments.

    ``end`` is the byte at which it ends, None where a delimiter ends it; ``implicit`` says whether
    its elements have no VR.
    """

    kind: Literal["elements", "items", "fragments"]
    end: int | None
    implicit: bool


class _Reader:
    """Reads once through ``content``; a stack instead of recursion, as depth is the sender's."""

    def __init__(
        self, content: bytes, encoding: Encoding, unprintable_vr: Literal["guessed", "unparsable"]
    ) -> None:
        self._content = content
        self._encodings = [encoding._replace(implicit_vr=each) for each in (False, True)]
        self._native = not encoding.encapsulated
        self._guesses = unprintable_vr == "guessed"
        self._position = 0
        self._stack = [_Frame("elements", None, encoding.implicit_vr)]
        #: Pixel Data of the dataset itself has a length, so it is not encapsulated.
        self.native_pixels = False
        #: The dataset's last element, where its header is all there is of it.
        self.valueless: Header | None = None

    def run(self) -> None:
        """Read until the end, or until something breaks."""
        while self._stack:
            frame = self._stack[-1]
            room = None if frame.end is None else frame.end - self._position
            if room is not None and room < (SHORTEST_HEADER if frame.kind == "elements" else 1):
                self._stack.pop()
            elif (header := self._header(frame)) is None:
                return
            elif frame.kind == "elements":
                self._element(header, frame)
            else:
                self._item(header, frame)

    def _item(self, header: Header, frame: _Frame) -> None:
        self._position += header.size
        if header.tag == SEQUENCE_END:
            self._stack.pop()
        elif header.tag != ITEM:
            words = f"{_name(header.tag)} in a sequence, where an item or its delimiter is due"
            raise BrokenStructureError(self._position, words)
        elif frame.kind == "fragments":
            self._position += header.length
        else:
            end = None if header.length == UNDEFINED else self._position + header.length
            self._stack.append(_Frame("elements", end, frame.implicit))

    def _element(self, header: Header, frame: _Frame) -> None:
        self._position += header.size
        if header.tag == ITEM_END:
            if len(self._stack) > 1:
                self._stack.pop()
            return
        if header.length == UNDEFINED:
            fragments = header.vr in ("OB", "OW")
            if fragments and self._native and len(self._stack) == 1:
                words = f"{_name(header.tag)} is encapsulated, the transfer syntax is native"
                raise BrokenStructureError(self._position, words)
            # an UN of undefined length is encoded in Implicit VR (PS3.5 6.2.2 note 2)
            implicit = frame.implicit or header.vr == "UN"
            self._stack.append(_Frame("fragments" if fragments else "items", None, implicit))
            return
        end = self._position + header.length
        if frame.end is not None and end > frame.end:
            left = frame.end - self._position
            words = f"{_name(header.tag)} has {header.length} bytes, its item {left} left"
            raise BrokenStructureError(self._position, words)
        if header.vr == "SQ":
            self._stack.append(_Frame("items", end, frame.implicit))
            return
        if len(self._stack) == 1:
            self.native_pixels |= header.tag == PIXEL_DATA
            if header.length and self._position == len(self._content):
                self.valueless = header
        self._position = end

    def _header(self, frame: _Frame) -> Header | None:
        """The header here; None where the content ends within it."""
        # items have no VR, and whatever stands in the place of one is read as they are
        implicit = frame.implicit or frame.kind != "elements"
        return header_at(self._content, self._position, self._encodings[implicit], self._vr)

    def _vr(self, tag: int, letters: bytes) -> str:
        """The VR that two bytes are taken for."""
        vr = as_written(tag, letters)
        if vr in _KNOWN_VRS:
            return vr
        if not (self._guesses or all(0x20 <= each < 0x7F for each in letters)):
            words = f"{_name(tag)} has a VR of the bytes {letters.hex(' ')}"
            raise BrokenStructureError(self._position + SHORTEST_HEADER, words)
        # later VRs than a reader knows have the long header (PS3.5 7.1.2), if they look as VRs
        return "UN" if letters.isalpha() and letters.isupper() else "??"


def _name(tag: int) -> str:
    return f"({tag >> 16:04x},{tag & 0xFFFF:04x})"
