"""In whose words a profile archive shows its settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from archive.vendor import VendorProfile
from dicom.settings import ArchiveSettings
from orchestrator.stacks.base import Dialect, Native


@dataclass(frozen=True)
class NeutralDialect:
    """For a product without a dialect of its own: the profile's names, else the neutral ones."""

    profile: VendorProfile

    @property
    def where(self) -> str:
        return f"{self.profile.title} configuration"

    def unsupported(self, settings: ArchiveSettings) -> Mapping[str, str]:
        used = settings.model_dump(exclude_defaults=True)
        return {
            name: reason for name, reason in self.profile.missing_settings.items() if name in used
        }

    def translate(self, settings: ArchiveSettings) -> Native:
        """Every setting that is in use; remote AEs become a table by title."""
        values: dict[str, object] = json.loads(settings.model_dump_json(exclude_none=True))
        values["known_aes"] = {
            entry.title: entry.model_dump(exclude={"title"}, exclude_defaults=True)
            for entry in settings.known_aes
        }
        if not settings.refused_services:
            del values["refused_services"]
        return {self.profile.native_keys.get(name, name): value for name, value in values.items()}


def dialect_of(profile: VendorProfile, certificates: str) -> Dialect:
    """The dialect that ``profile`` names; ``certificates`` is the folder of the TLS material."""
    # imported when needed: the stacks of these dialects import this package in turn
    if profile.dialect == "orthanc":
        from orchestrator.stacks.orthanc.dialect import OrthancDialect

        return OrthancDialect(version=profile.version, certificates=certificates)
    if profile.dialect == "dcm4chee":
        from orchestrator.stacks.dcm4chee.dialect import Dcm4cheeDialect

        return Dcm4cheeDialect(certificates=certificates)
    return NeutralDialect(profile)
