"""Pixel data with bytes missing."""

from __future__ import annotations

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
