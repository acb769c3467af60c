"""What the lab does on an archive that already runs, whatever the kind of its interface."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.settings import ArchiveSettings
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import Dialect, Native


class Interface(Protocol):
    """A kind's own interface, as far as the lab may use it on somebody else's archive."""

    coercions: Mapping[str, str]
    changeable: frozenset[str]
    """Neutral settings that can be changed there at all."""
    unchangeable: str
    """Why the others can't."""

    @property
    def dialect(self) -> Dialect:
        """The vendor's words."""

    def version(self) -> str:
        """The product's version as it reports it.

        Raises:
            LabError: it does not answer.
        """

    def has(self, study_instance_uid: str) -> bool:
        """Whether it holds the study."""

    def fingerprints(self, study_instance_uid: str) -> tuple[Fingerprint, ...]:
        """Fingerprints of the study's instances."""

    def delete(self, study_instance_uid: str) -> None:
        """Remove the study.

        Raises:
            UnsupportedError: the interface can't.
        """

    def knows(self, title: str) -> bool:
        """Whether the remote AE is in its table."""

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        """Tell it to send the study."""

    def apply(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """Change settings; only those in ``changeable``."""

    def read_back(self) -> Native:
        """What is in force, in the dialect's keys."""

    def restore(self) -> None:
        """Put back exactly what ``apply`` changed."""

    def close(self) -> None:
        """Drop the connection."""


def keeper(path: Path) -> Callable[[Mapping[str, object]], None]:
    """Keeps the first configuration it is given, in case the lab dies before it can restore it."""

    def keep(configuration: Mapping[str, object]) -> None:
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(configuration, indent=2), encoding="utf-8")

    return keep
