"""A sequence of undefined length that never ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from dicom.datasets.elements import UNDEFINED
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.sequences import USUAL, one_item_sequence
from modalities.misbehaviour.values import Attribute


@alteration
class NoDelimiter(Alteration):
    """A sequence of undefined length without its sequence delimitation item (PS3.5 7.5.2)."""

    kind: Literal["no-delimiter"] = "no-delimiter"
    attribute: Attribute = USUAL

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Declare the length undefined and add no delimiter."""
        instance, sequence = one_item_sequence(instance, self.attribute)
        return instance.exchanged(sequence, replace(sequence, length=UNDEFINED))
