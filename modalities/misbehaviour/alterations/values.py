"""Values that their VR forbids, or that say nothing true."""

from __future__ import annotations

import codecs
from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from dicom.datasets.elements import Element, dictionary_vr
from dicom.errors import UsageError
from dicom.identity import derived_uid
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import MAXIMUM_LENGTHS, Attribute, padded, tag_of, value_bytes


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


_SPECIFIC_CHARACTER_SET: Final = 0x00080005


def _codec(name: str) -> str:
    try:
        "".encode(name)  # not so with what Python can look up, but is no character encoding: rot13
        return codecs.lookup(name).name
    except (LookupError, ValueError) as error:
        raise ValueError(f"no encoding {name!r}; for example latin-1, utf-8, shift_jis") from error


def _ascii(declared: str) -> str:
    if not declared.isascii():
        raise ValueError(f"expected defined terms such as ISO_IR 192, in ASCII, saw {declared!r}")
    return declared


@alteration
class CharacterSet(Alteration):
    """Text is encoded in one character set; the object declares none, or another."""

    kind: Literal["character-set"] = "character-set"
    encoding: Annotated[str, AfterValidator(_codec)] = Field(
        "iso8859-1", description="what the text is really in, as Python names encodings"
    )
    declared: Annotated[str, AfterValidator(_ascii)] = Field(
        "", description="Specific Character Set (such as ISO_IR 192); nothing: left out"
    )
    attribute: Attribute = "PatientName"
    value: str = "Phantöm^Größe"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Set both, whatever was declared before.

        Raises:
            UsageError: the text has characters that the encoding lacks.
        """
        vr = dictionary_vr(tag_of(self.attribute))
        try:
            text = padded(self.value.encode(self.encoding), vr)
        except ValueError as error:
            raise UsageError(
                f"{self.value!r} can't be written in {self.encoding}: {error}; choose another value"
                " or encoding"
            ) from error
        changed = instance.with_element(Element(tag_of(self.attribute), vr, text))
        if self.declared:
            declared = padded(self.declared.encode("ascii"), "CS")
            return changed.with_element(Element(_SPECIFIC_CHARACTER_SET, "CS", declared))
        kept = tuple(each for each in changed.elements if each.tag != _SPECIFIC_CHARACTER_SET)
        return replace(changed, elements=kept)
