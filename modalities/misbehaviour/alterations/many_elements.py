"""More attributes than anybody expects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal

from pydantic import Field

from dicom.datasets.elements import Element
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import padded

_BLOCK: Final = 256
_BLOCKS: Final = 240


@alteration
class ManyElements(Alteration):
    """So many private attributes, properly owned: valid, and a burden on every reader."""

    kind: Literal["many-elements"] = "many-elements"
    count: int = Field(10_000, ge=1, le=_BLOCK * _BLOCKS, description="private attributes added")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Fill blocks of group 0099 from (0099,1000) on, all creators first."""
        rest = [each for each in instance.elements if each.tag >> 16 != 0x0099]
        before = [each for each in rest if each.tag < 0x00990000]
        after = [each for each in rest if each.tag > 0x00990000]
        return replace(instance, elements=(*before, *self._private(), *after))

    def _private(self) -> Iterator[Element]:
        blocks = -(-self.count // _BLOCK)
        for block in range(blocks):
            creator = padded(f"PACSLAB {block}".encode(), "LO")
            yield Element(0x00990010 + block, "LO", creator)
        for number in range(self.count):
            text = padded(str(number).encode(), "LO")
            yield Element(0x00991000 + number, "LO", text)
