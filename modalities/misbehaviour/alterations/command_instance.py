"""A command set that names another SOP instance than the dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from dicom.identity import derived_uid
from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject


@alteration
class CommandInstance(Alteration):
    """Command and file meta information say another SOP Instance UID than the dataset."""

    kind: Literal["command-instance"] = "command-instance"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """A UID that follows from the true one; the dataset stays."""
        other = derived_uid("another instance", instance.sop_instance_uid)
        return replace(instance, sop_instance_uid=str(other))
