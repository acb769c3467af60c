"""An attribute out of order."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute


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
