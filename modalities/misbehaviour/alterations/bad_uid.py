"""A UID that is none."""

from __future__ import annotations

from typing import Final, Literal

from dicom.datasets.elements import Element
from dicom.identity import derived_uid
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute, padded, tag_of

_LONG: Final = 70
#: What leaves room for four characters more, so that only one thing is wrong with the UID.
_ROOM: Final = 60


@alteration
class BadUid(Alteration):
    """A UID that breaks PS3.5 9.1: letters, a leading zero, an empty component, 70 characters."""

    kind: Literal["bad-uid"] = "bad-uid"
    attribute: Attribute
    how: Literal["letters", "leading-zero", "empty-component", "too-long"] = "letters"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Make it of the valid one, so that different objects stay different."""
        element = instance.require(self.attribute)
        uid = element.value.rstrip(b"\0 ").decode("ascii", "replace")
        stem = uid if len(uid) <= _ROOM else str(derived_uid(uid))
        bad = {
            "letters": stem + ".UID",
            "leading-zero": stem + ".01",
            "empty-component": stem + "..11",
            "too-long": (uid + "." + "1" * _LONG)[:_LONG],
        }[self.how]
        value = padded(bad.encode(), "UI")
        return instance.with_element(Element(tag_of(self.attribute), "UI", value))
