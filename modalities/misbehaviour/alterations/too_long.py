"""A value longer than its VR allows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dicom.datasets.elements import Element, dictionary_vr
from dicom.errors import UsageError
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import MAXIMUM_LENGTHS, Attribute, padded, tag_of


@alteration
class TooLong(Alteration):
    """The value has more characters than its VR allows (PS3.5 table 6.2-1): LO 65, SH 17, …"""

    kind: Literal["too-long"] = "too-long"
    attribute: Attribute
    length: int | None = Field(
        None, ge=1, le=65534, description="characters; by default one more than allowed"
    )

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Fill it with what its VR is made of, digits or letters.

        Raises:
            UsageError: its VR has no maximum.
        """
        tag = tag_of(self.attribute)
        vr = dictionary_vr(tag)
        if vr not in MAXIMUM_LENGTHS:
            raise UsageError(
                f"{self.attribute} is of VR {vr}, which has no maximum in characters; choose one of"
                f" {', '.join(MAXIMUM_LENGTHS)}"
            )
        length = self.length or MAXIMUM_LENGTHS[vr] + 1
        text = ("2.25." + "1" * length)[:length] if vr == "UI" else ""
        digit = "1" if vr in ("DA", "DT", "TM", "IS", "DS", "AS") else "L"
        value = padded((text or digit * length).encode(), vr)
        return instance.with_element(Element(tag, vr, value))
