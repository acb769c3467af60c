"""Private elements that nobody claims, or that hold more than they seem to (PS3.5 7.8)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dicom.datasets.elements import ITEM, Element, joined
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import padded


@alteration
class OrphanPrivate(Alteration):
    """Private attributes without the private creator that reserves their block (PS3.5 7.8.1)."""

    kind: Literal["orphan-private"] = "orphan-private"
    value: str = "whose is this"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Add (0099,1001) and (0099,1002), without (0099,0010)."""
        text = padded(self.value.encode(), "LO")
        vr = "UN" if instance.encoding.implicit_vr else "LO"
        first = instance.with_element(Element(0x00991001, vr, text))
        return first.with_element(Element(0x00991002, "UN", b"\0\1\2\3"))


@alteration
class PrivateSequence(Alteration):
    """A private sequence nested so deep, each level with its creator: valid, and seldom read."""

    kind: Literal["private-sequence"] = "private-sequence"
    depth: int = Field(3, ge=1, le=60, description="sequences inside each other")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Add (0099,0010) and (0099,1003)."""
        encoding = instance.encoding
        creator = Element(0x00990010, "LO", padded(b"PACSLAB", "LO"))
        innermost = Element(0x00991004, "LO", padded(b"innermost", "LO"))
        content: tuple[Element, ...] = (creator, innermost)
        for _ in range(self.depth):
            item = Element(ITEM, "", joined(content, encoding)).encoded(encoding)
            content = (creator, Element(0x00991003, "SQ", item))
        for element in content:
            instance = instance.with_element(element)
        return instance
