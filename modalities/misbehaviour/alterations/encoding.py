"""Elements and datasets encoded otherwise than they say (PS3.5 section 7)."""

from __future__ import annotations

import struct
from dataclasses import replace
from io import BytesIO
from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints
from pydicom.uid import UID

from dicom.datasets.elements import Element, joined
from dicom.datasets.encoding import UNREADABLE, encoding_of
from dicom.datasets.uids import uid_of
from dicom.errors import UsageError
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject, taken_apart
from modalities.misbehaviour.values import Attribute

_Syntax = Literal["ImplicitVRLittleEndian", "ExplicitVRLittleEndian", "ExplicitVRBigEndian"]


@alteration
class EncodedAs(Alteration):
    """The dataset is encoded otherwise than the transfer syntax that is negotiated for it."""

    kind: Literal["encoded-as"] = "encoded-as"
    transfer_syntax: _Syntax

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Encode it anew; negotiated and declared stays what it was.

        Raises:
            UsageError: the pixels are encapsulated, which only other syntaxes allow, or what an
                alteration before left can't be read.
        """
        from pynetdicom import dsutils

        if instance.encoding.encapsulated:
            raise UsageError(
                f"{instance.sop_instance_uid} is in {UID(instance.transfer_syntax_uid).name}, whose"
                f" pixels none of {', '.join(get_args(_Syntax))} can hold; use 'claim' instead"
            )
        wanted, was = encoding_of(uid_of(self.transfer_syntax)), instance.encoding
        content = joined(instance.elements, was)
        try:
            dataset = dsutils.decode(BytesIO(content), was.implicit_vr, was.little_endian)
            encoded = dsutils.encode(dataset, wanted.implicit_vr, wanted.little_endian)
        except UNREADABLE:
            encoded = None
        if encoded is None:
            raise UsageError(
                f"{instance.sop_instance_uid} can't be encoded in {self.transfer_syntax}; do other"
                " alterations afterwards"
            )
        return replace(instance, elements=taken_apart(encoded, wanted), encoding=wanted)


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


@alteration
class OddLength(Alteration):
    """The attribute's value lacks its padding: odd, and its length says so (PS3.5 7.1)."""

    kind: Literal["odd-length"] = "odd-length"
    attribute: Attribute

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """One byte less, or one of its own kind where there is none to take."""
        element = instance.require(self.attribute)
        value = element.value[:-1] if element.value else b"1"
        return instance.exchanged(element, replace(element, value=value, length=None))


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


@alteration
class Trailing(Alteration):
    """The dataset is followed by bytes that are no data element."""

    kind: Literal["trailing"] = "trailing"
    bytes: int = Field(64, ge=1, le=1 << 20, description="how many, 0xAB each")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Add them."""
        return replace(instance, trailer=instance.trailer + b"\xab" * self.bytes)
