"""Pixel data of the wrong size, or wrongly encapsulated (PS3.5 section 8, annex A.4)."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Literal

from pydantic import Field

from dicom.datasets.elements import PIXEL_DATA
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject


@alteration
class TruncatePixels(Alteration):
    """Pixel Data ends early: by its own length, or in the middle of what its length promises."""

    kind: Literal["truncate-pixels"] = "truncate-pixels"
    keep: float = Field(0.5, ge=0, lt=1, description="part of the bytes that is kept")
    declared: bool = Field(
        True,
        description="true: the length is that of what is left, less than rows and columns need;"
        " false: the length promises all, and the dataset ends there",
    )

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Keep an even number of bytes."""
        element = instance.pixels(encapsulated=None if not self.declared else False)
        kept = element.value[: int(len(element.value) * self.keep) // 2 * 2]
        if self.declared:
            return instance.exchanged(element, replace(element, value=kept))
        length = len(element.value) if element.length is None else element.length
        cut = instance.exchanged(element, replace(element, value=kept, length=length))
        # whatever followed would be taken for the missing pixels
        return replace(cut, elements=tuple(each for each in cut.elements if each.tag <= PIXEL_DATA))


@alteration
class ExtendPixels(Alteration):
    """Pixel Data is longer than rows, columns, frames, samples and bits make it."""

    kind: Literal["extend-pixels"] = "extend-pixels"
    by: int = Field(1024, ge=2, le=64 << 20, multiple_of=2, description="bytes of zeros added")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Add zeros; the length says so."""
        element = instance.pixels(encapsulated=False)
        return instance.exchanged(element, replace(element, value=element.value + bytes(self.by)))


@alteration
class NoOffsetTable(Alteration):
    """Encapsulated pixels without the Basic Offset Table item, which may be empty, not absent."""

    kind: Literal["no-offset-table"] = "no-offset-table"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Take the first item away (PS3.5 annex A.4)."""
        element = instance.pixels(encapsulated=True)
        (length,) = struct.unpack_from("<L", element.value, 4)
        return instance.exchanged(element, replace(element, value=element.value[8 + length :]))


@alteration
class OddFragment(Alteration):
    """The first fragment of encapsulated pixels lacks its padding (PS3.5 annex A.4)."""

    kind: Literal["odd-fragment"] = "odd-fragment"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Take the fragment's last byte away; its length says so."""
        element = instance.pixels(encapsulated=True)
        data = element.value
        (table,) = struct.unpack_from("<L", data, 4)
        start = 8 + table
        (length,) = struct.unpack_from("<L", data, start + 4)
        fragment = data[start + 8 : start + 8 + length - 1]
        value = (
            data[: start + 4]
            + struct.pack("<L", len(fragment))
            + fragment
            + data[start + 8 + length :]
        )
        return instance.exchanged(element, replace(element, value=value))
