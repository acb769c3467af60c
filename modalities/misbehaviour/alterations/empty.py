"""An attribute that is there without a value."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute


@alteration
class Empty(Alteration):
    """The attribute has a length of zero, as only Type 2 attributes may."""

    kind: Literal["empty"] = "empty"
    attribute: Attribute

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Take its value away."""
        element = instance.require(self.attribute)
        return instance.exchanged(element, replace(element, value=b"", length=None))
