"""An attribute with another value, valid or not."""

from __future__ import annotations

from typing import Literal

from dicom.datasets.elements import Element, dictionary_vr
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute, tag_of, value_bytes


@alteration
class SetValue(Alteration):
    """The attribute has this value, put in where it was absent, even one that its VR forbids."""

    kind: Literal["set"] = "set"
    attribute: Attribute
    value: str

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Set it, in the VR that it has or that the data dictionary gives it."""
        tag, present = tag_of(self.attribute), instance.find(self.attribute)
        vr = dictionary_vr(tag) if present is None else present.vr
        value = value_bytes(self.value, vr, little_endian=instance.encoding.little_endian)
        return instance.with_element(Element(tag, vr, value))
