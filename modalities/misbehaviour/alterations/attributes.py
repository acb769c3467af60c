"""Attributes that are there, or not, where and as often as they should not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, Literal

from pydantic import Field

from dicom.datasets.elements import Element
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute, padded, value_bytes


@alteration
class Remove(Alteration):
    """The attribute is absent."""

    kind: Literal["remove"] = "remove"
    attribute: Attribute

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Leave it out."""
        return instance.exchanged(instance.require(self.attribute))


@alteration
class Empty(Alteration):
    """The attribute has a length of zero, as only Type 2 attributes may."""

    kind: Literal["empty"] = "empty"
    attribute: Attribute

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Take its value away."""
        element = instance.require(self.attribute)
        return instance.exchanged(element, replace(element, value=b"", length=None))


@alteration
class Duplicate(Alteration):
    """The attribute occurs twice in a row; each may occur once (PS3.5 7.1)."""

    kind: Literal["duplicate"] = "duplicate"
    attribute: Attribute
    value: str | None = Field(None, description="of the second one; by default the first one's")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Put the second behind the first."""
        first = instance.require(self.attribute)
        second = first
        if self.value is not None:
            little_endian = instance.encoding.little_endian
            value = value_bytes(self.value, first.vr, little_endian=little_endian)
            second = replace(first, value=value, length=None)
        return instance.exchanged(first, first, second)


@alteration
class Misplace(Alteration):
    """The attribute stands first or last instead of where its tag puts it (PS3.5 7.1)."""

    kind: Literal["misplace"] = "misplace"
    attribute: Attribute
    to: Literal["first", "last"] = "last"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Move it."""
        element = instance.require(self.attribute)
        rest = instance.exchanged(element).elements
        moved = (element, *rest) if self.to == "first" else (*rest, element)
        return replace(instance, elements=moved)


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
