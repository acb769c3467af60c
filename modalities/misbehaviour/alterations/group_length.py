"""A group length that is not the group's."""

from __future__ import annotations

import struct
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from dicom.datasets.elements import Element, joined
from dicom.errors import UsageError
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject


@alteration
class GroupLength(Alteration):
    """The retired group length element of a group is off (PS3.5 7.2)."""

    kind: Literal["group-length"] = "group-length"
    group: Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{4}$")] = "0008"
    by: int = Field(100, description="bytes, added to the true length")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Put it in, or exchange it.

        Raises:
            UsageError: the object has no such group.
        """
        group = int(self.group, 16)
        members = tuple(
            each for each in instance.elements if each.tag >> 16 == group and each.tag & 0xFFFF
        )
        if not members:
            raise UsageError(
                f"{instance.sop_instance_uid} has no group {self.group}; choose one that it has"
            )
        length = max(len(joined(members, instance.encoding)) + self.by, 0) & 0xFFFFFFFF
        order = "<" if instance.encoding.little_endian else ">"
        value = struct.pack(order + "L", length)
        return instance.with_element(Element(group << 16, "UL", value))
