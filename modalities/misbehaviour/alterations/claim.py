"""A transfer syntax that the dataset is not in."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from dicom.datasets.uids import uid_of
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject


@alteration
class Claim(Alteration):
    """Negotiation and file meta information claim a transfer syntax; the dataset stays as it is."""

    kind: Literal["claim"] = "claim"
    transfer_syntax: Annotated[str, AfterValidator(uid_of)] = Field(description="UID or keyword")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Exchange what is said of it."""
        return replace(instance, transfer_syntax_uid=self.transfer_syntax)
