"""A command set that names another SOP class than the dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydicom.uid import MRImageStorage

from dicom.datasets.uids import uid_of
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
