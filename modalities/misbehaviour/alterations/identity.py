"""What command set, negotiation and file meta information say of an object, and it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydicom.uid import MRImageStorage

from dicom.datasets.uids import uid_of
from dicom.identity import derived_uid
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject


@alteration
class CommandClass(Alteration):
    """Negotiation, command and file meta information say this SOP class, the dataset another."""

    kind: Literal["command-class"] = "command-class"
    sop_class: Annotated[str, AfterValidator(uid_of)] = Field(
        str(MRImageStorage), description="UID or keyword"
    )

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """The dataset stays."""
        return replace(instance, sop_class_uid=self.sop_class)


@alteration
class CommandInstance(Alteration):
    """Command and file meta information say another SOP Instance UID than the dataset."""

    kind: Literal["command-instance"] = "command-instance"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """A UID that follows from the true one; the dataset stays."""
        other = derived_uid("another instance", instance.sop_instance_uid)
        return replace(instance, sop_instance_uid=str(other))


@alteration
class Claim(Alteration):
    """Negotiation and file meta information claim a transfer syntax; the dataset stays as it is."""

    kind: Literal["claim"] = "claim"
    transfer_syntax: Annotated[str, AfterValidator(uid_of)] = Field(description="UID or keyword")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Exchange what is said of it."""
        return replace(instance, transfer_syntax_uid=self.transfer_syntax)
