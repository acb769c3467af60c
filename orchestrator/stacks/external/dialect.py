"""Settings of somebody else's archive: the vendor's words, and what the lab may not touch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dicom.settings import ArchiveSettings
from orchestrator.stacks.base import Dialect, Native
from orchestrator.stacks.external.site import Site

#: What to do where the lab could change a setting.
ALLOW: Final = "run again with --allow-config to let the lab change it and put it back"


@dataclass(frozen=True)
class GuestDialect:
    """A vendor's dialect that also refuses settings which the lab may not change.

    A setting is fine if it is ``changeable``, if the site's file declares it as in force, or if
    the vendor has no key for it because it is always so. What a scenario explicitly wants as the
    vendor ships it (``null``) must not be declared as something else.

    Attributes:
        changeable: settings that the lab may change.
        if_allowed: settings that it could change if the user allowed it.
        unchangeable: why it can't change the others.
    """

    vendor: Dialect
    site: Site
    changeable: frozenset[str]
    if_allowed: frozenset[str]
    unchangeable: str

    @property
    def where(self) -> str:
        return f"{self.site.name}: {self.vendor.where}"

    def unsupported(self, settings: ArchiveSettings) -> Mapping[str, str]:
        """What the vendor does not have, and what may not be changed there."""
        reasons = dict(self.vendor.unsupported(settings))
        declared = self.site.declared
        untouched = ArchiveSettings(aetitle=declared.aetitle)
        for name in ArchiveSettings.model_fields:
            value, left_alone = getattr(settings, name), getattr(untouched, name)
            in_force = getattr(declared, name)
            if name in settings.model_fields_set and value is None and in_force is not None:
                reasons[name] = (
                    f"the scenario wants it as the vendor ships it, but the file of"
                    f" {self.site.name} says that it is {json.dumps(in_force)} there. If that is"
                    " how it was shipped, leave it out of the file"
                )
            if name in reasons or name in self.changeable:
                continue
            if value in (in_force, left_alone):
                continue
            without = settings.model_copy(update={name: left_alone})
            if self.vendor.translate(without) != self.vendor.translate(settings):
                why = ALLOW if name in self.if_allowed else self.unchangeable
                reasons[name] = f"{self.site.name} is not the lab's own archive: {why}"
        return reasons

    def translate(self, settings: ArchiveSettings) -> Native:
        """The vendor's keys, without what the site's file declares as in force anyway."""
        declared = self.site.declared
        untouched = ArchiveSettings(aetitle=declared.aetitle)
        alone = {
            name: getattr(untouched, name)
            for name in ArchiveSettings.model_fields
            if getattr(settings, name) == getattr(declared, name)
        }
        return self.vendor.translate(settings.model_copy(update=alone))
