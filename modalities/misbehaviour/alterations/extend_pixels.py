"""Pixel data with bytes to spare."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject


@alteration
class ExtendPixels(Alteration):
    """Pixel Data is longer than rows, columns, frames, samples and bits make it."""

    kind: Literal["extend-pixels"] = "extend-pixels"
    by: int = Field(1024, ge=2, le=64 << 20, multiple_of=2, description="bytes of zeros added")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Add zeros; the length says so."""
        element = instance.pixels(encapsulated=False)
        return instance.exchanged(element, replace(element, value=element.value + bytes(self.by)))
