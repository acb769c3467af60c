"""The worklist file of a RIS in a lab."""

from __future__ import annotations

from pathlib import Path

import yaml

from dicom.workflow.schedule import Schedule


def write_schedule(path: Path, schedule: Schedule) -> None:
    """Make ``path`` the worklist file that says ``schedule``."""
    data = schedule.model_dump(mode="json", exclude_defaults=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    # a RIS may be reading it: the new file takes the old one's place at once
    new = path.with_suffix(".new")
    new.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
    new.replace(path)
