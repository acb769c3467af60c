"""Neutral settings per role, only the ones that a scenario cares about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from dicom.frozen import Frozen
from dicom.settings import ArchiveSettings
from orchestrator.model.modality_settings import ModalitySettings

#: Of an archive, or of a node of the lab's own.
RoleSettings = ArchiveSettings | ModalitySettings
SettingsByRole = Mapping[str, RoleSettings]
S = TypeVar("S", bound=Frozen)


def laid_over(below: S, above: RoleSettings) -> S:
    """``below`` with every setting that ``above`` gives; null is given too."""
    given = {name: getattr(above, name) for name in above.model_fields_set}
    return below.model_copy(update=given)
