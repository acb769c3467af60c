"""A dataset in another encoding than was negotiated."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Literal, get_args

from pydicom.uid import UID

from dicom.datasets.elements import joined
from dicom.datasets.encoding import UNREADABLE, encoding_of
from dicom.datasets.uids import uid_of
from dicom.errors import UsageError
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject, taken_apart

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
