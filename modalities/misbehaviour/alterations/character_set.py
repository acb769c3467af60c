"""Text in another character set than the one declared."""

from __future__ import annotations

import codecs
from dataclasses import replace
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from dicom.datasets.elements import Element, dictionary_vr
from dicom.errors import UsageError
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute, padded, tag_of

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
