"""A date that is none, or is yet to come."""

from __future__ import annotations

from typing import Final, Literal

from dicom.datasets.elements import Element
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute, padded, tag_of

_DATES: Final = {
    "future": "29991231",
    "impossible": "20260231",
    "separators": "2026-01-31",
    "day-first": "31.01.2026",
    "words": "yesterday",
}


@alteration
class BadDate(Alteration):
    """A date in the year 2999, of a day that never was, or in another format than YYYYMMDD."""

    kind: Literal["bad-date"] = "bad-date"
    attribute: Attribute = "StudyDate"
    how: Literal["future", "impossible", "separators", "day-first", "words"] = "impossible"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Set it, present or not."""
        value = padded(_DATES[self.how].encode(), "DA")
        return instance.with_element(Element(tag_of(self.attribute), "DA", value))
