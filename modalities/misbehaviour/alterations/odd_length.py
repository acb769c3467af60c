"""A value of odd length."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute


@alteration
class OddLength(Alteration):
    """The attribute's value lacks its padding: odd, and its length says so (PS3.5 7.1)."""

    kind: Literal["odd-length"] = "odd-length"
    attribute: Attribute

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """One byte less, or one of its own kind where there is none to take."""
        element = instance.require(self.attribute)
        value = element.value[:-1] if element.value else b"1"
        return instance.exchanged(element, replace(element, value=value, length=None))
