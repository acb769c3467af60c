"""A private attribute that nobody owns."""

from __future__ import annotations

from typing import Literal

from dicom.datasets.elements import Element
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
