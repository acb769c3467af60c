"""An attribute that is not there."""

from __future__ import annotations

from typing import Literal

from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute


@alteration
class Remove(Alteration):
    """The attribute is absent."""

    kind: Literal["remove"] = "remove"
    attribute: Attribute

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Leave it out."""
        return instance.exchanged(instance.require(self.attribute))
