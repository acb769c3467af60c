"""An attribute with a VR that is not its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import StringConstraints

from dicom.errors import UsageError
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject
from modalities.misbehaviour.values import Attribute


@alteration
class WrongVr(Alteration):
    """The attribute's header names another VR than the data dictionary does, even one of none."""

    kind: Literal["wrong-vr"] = "wrong-vr"
    attribute: Attribute
    vr: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Exchange the two letters; the value stays.

        Raises:
            UsageError: Implicit VR, where there are none (PS3.5 7.1.3).
        """
        if instance.encoding.implicit_vr:
            raise UsageError(
                f"{instance.sop_instance_uid} is in Implicit VR, which encodes no VR that could be"
                " wrong; send it in Explicit VR Little Endian"
            )
        element = instance.require(self.attribute)
        return instance.exchanged(element, replace(element, vr=self.vr))
