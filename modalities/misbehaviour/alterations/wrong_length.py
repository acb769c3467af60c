"""An attribute whose length is not that of its value."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from dicom.errors import UsageError
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute


@alteration
class WrongLength(Alteration):
    """The attribute's length field is off by so many bytes (odd ones too), the value is not."""

    kind: Literal["wrong-length"] = "wrong-length"
    attribute: Attribute
    by: int = Field(ge=-(2**31), le=2**31, description="bytes, added to the true length")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Declare another length.

        Raises:
            UsageError: the length has no such value.
        """
        element = instance.require(self.attribute)
        length = len(element.value) + self.by
        if not 0 <= length < 2**32:
            raise UsageError(
                f"{self.attribute} has {len(element.value)} bytes and can't declare {length};"
                " choose a result from 0 to 4294967295"
            )
        return instance.exchanged(element, replace(element, length=length))
