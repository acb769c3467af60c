"""An attribute that is there twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute, value_bytes


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
