"""What the engine asks of a vendor's archive, whatever its edition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.registry import Registry
from dicom.settings import ArchiveSettings
from dicom.web.target import WebTarget
from dicom.workflow.performed import PerformedStep
from dicom.workflow.schedule import Schedule
from orchestrator.backends.base import Backend, Launch, Place, Site
from orchestrator.errors import InputError
from orchestrator.model.identity import Edition, Identity
from orchestrator.model.native_change import NativeChange

#: A native configuration: key (dotted or an LDAP/JSON path) to JSON-compatible value.
Native = Mapping[str, object]


class Dialect(Protocol):
    """Pure translation of neutral settings into a vendor's keys; no transport."""

    @property
    def where(self) -> str:
        """What an administrator edits: a file or resource (``orthanc.json``, ``LDAP device …``)."""

    def unsupported(self, settings: ArchiveSettings) -> Mapping[str, str]:
        """Neutral settings in use that the vendor does not have: field name to reason."""

    def translate(self, settings: ArchiveSettings) -> Native:
        """The vendor's keys for ``settings``; keys at their default may be left out."""


class Archive(Protocol):
    """One archive of a lab. Its adapter owns its configuration and asks it what it holds."""

    role: str
    coercions: Mapping[str, str]
    """Attributes (``ggggeeee``) that this archive may change on receipt, each with the reason."""

    @property
    def dialect(self) -> Dialect:
        """The vendor's words for settings, as far as its version is known."""

    @property
    def settings(self) -> ArchiveSettings:
        """The neutral settings now in force."""

    def launch(self) -> Launch | None:
        """How to run it; None for an external archive, which already runs."""

    def await_ready(self) -> Identity:
        """Block until C-ECHO (or an equivalent own check) and the own interface answer.

        Raises:
            LabError: it did not become ready; the log's tail is in the error.
        """

    def configure(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """Put ``settings`` in force (restarting if the product needs it) and wait until ready.

        Returns what changed in the vendor's own words.

        Raises:
            UnsupportedError: the vendor has no such setting, or this edition may not be changed.
        """

    def read_back(self) -> Native:
        """The native configuration as it is in force, read from the archive or its store.

        Compared with ``dialect.translate`` to prove that a fault is in place.
        """

    def held(self, study_instance_uid: str | None = None) -> tuple[Fingerprint, ...]:
        """Fingerprints of all instances that it holds, by its own interface, duplicates kept."""

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        """Tell it, the vendor's way, to C-STORE a study to the known AE titled ``to``."""

    def empty(self) -> None:
        """Remove every object (external: only those that this run sent)."""

    def web(self) -> str:
        """Where a person finds its web interface, with the credentials made for this run."""

    def dicomweb(self) -> WebTarget:
        """Its DICOMweb services as other nodes of the lab reach them, with this run's credentials.

        Raises:
            UnsupportedError: it has none here; the message is the reason.
        """

    def log(self) -> str:
        """Its log so far; the caller cuts out the window it wants."""

    def close(self) -> None:
        """Undo what outlives the site (external: restore its settings); idempotent."""


@runtime_checkable
class KeepsWorklist(Protocol):
    """An archive that also does a RIS's work, and can be asked about it by the lab."""

    @property
    def worklist_title(self) -> str:
        """The called AE title that its worklist is asked at; other titles may not offer it."""

    def schedule(self, schedule: Schedule) -> bool:
        """Replace its worklist; False where the product answers none."""

    def performed(self) -> tuple[PerformedStep, ...]:
        """The procedure steps that modalities reported to it, oldest first."""


@dataclass(frozen=True)
class StackContext:
    """What a stack needs to make an archive for a role of one lab."""

    role: str
    site: Site
    place: Place
    backend: Backend
    settings: ArchiveSettings
    run_folder: str


class Stack(Protocol):
    """A vendor: says in which edition it can run here, and makes its archives."""

    name: str

    @property
    def aetitle(self) -> str:
        """The AE title that the product is shipped with."""

    def editions(self, backend: Backend) -> tuple[Edition, ...]:
        """Editions this machine can run on ``backend``, the most real first; may be empty."""

    def ports(self, edition: Edition) -> Mapping[str, int]:
        """Port names and in-container numbers; always has ``dicom`` and ``web``."""

    def archive(self, edition: Edition, context: StackContext) -> Archive:
        """An archive of this edition, not started."""


STACKS: Registry[Stack] = Registry("stack", "orchestrator.stacks", InputError)
