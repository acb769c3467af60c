"""Sequences that lie about where they end (PS3.5 7.5)."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Literal

from pydantic import Field

from dicom.datasets.elements import UNDEFINED
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.sequences import USUAL, one_item_sequence
from modalities.misbehaviour.values import Attribute


@alteration
class ItemLength(Alteration):
    """The item of a sequence declares another length than it has; the sequence's own is true."""

    kind: Literal["item-length"] = "item-length"
    attribute: Attribute = USUAL
    by: int = Field(8, ge=-0xFFFF, le=0xFFFF, description="bytes, added to the true length")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Change the length in the item's header (PS3.5 table 7.5-1)."""
        instance, sequence = one_item_sequence(instance, self.attribute)
        order = "<" if instance.encoding.little_endian else ">"
        (length,) = struct.unpack_from(order + "L", sequence.value, 4)
        told = struct.pack(order + "L", (length + self.by) & 0xFFFFFFFF)
        value = sequence.value[:4] + told + sequence.value[8:]
        return instance.exchanged(sequence, replace(sequence, value=value))


@alteration
class NoDelimiter(Alteration):
    """A sequence of undefined length without its sequence delimitation item (PS3.5 7.5.2)."""

    kind: Literal["no-delimiter"] = "no-delimiter"
    attribute: Attribute = USUAL

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Declare the length undefined and add no delimiter."""
        instance, sequence = one_item_sequence(instance, self.attribute)
        return instance.exchanged(sequence, replace(sequence, length=UNDEFINED))
