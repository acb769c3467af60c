"""What the engine asks of a vendor's archive, whatever its edition."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from dicom.association.ends import Tls
from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.registry import Registry
from dicom.settings import ArchiveSettings
from dicom.web.target import WebTarget
from dicom.workflow.performed import PerformedStep
from dicom.workflow.schedule import Schedule
from orchestrator.backends.base import Backend, Launch, NodeRunner, Place
from orchestrator.errors import InputError, UnsupportedError
from orchestrator.model.address import Address
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


@dataclass(frozen=True)
class StackContext:
    """What a stack needs to make an archive for a role of one lab."""

    role: str
    runner: NodeRunner
    place: Place
    backend: Backend
    settings: ArchiveSettings
    run_folder: str


class Archive(ABC):
    """One archive of a lab. Its adapter owns its configuration and asks it what it holds.

    Attributes:
        role: the role that it fills.
        dialect: the vendor's words for settings, as far as its version is known.
        settings: the neutral settings now in force.
    """

    #: Attributes (``ggggeeee``) that this archive may change on receipt, each with the reason.
    coercions: Mapping[str, str] = MappingProxyType({})

    def __init__(self, context: StackContext, dialect: Dialect) -> None:
        self.role = context.role
        self.dialect = dialect
        self.settings = context.settings
        self._runner = context.runner
        self._place = context.place

    @abstractmethod
    def launch(self) -> Launch | None:
        """How to run it; None for an external archive, which already runs."""

    @abstractmethod
    def await_ready(self) -> Identity:
        """Block until C-ECHO (or an equivalent own check) and the own interface answer.

        Raises:
            LabError: it did not become ready; the log's tail is in the error.
        """

    @abstractmethod
    def configure(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """Put ``settings`` in force (restarting if the product needs it) and wait until ready.

        Returns what changed in the vendor's own words.

        Raises:
            UnsupportedError: the vendor has no such setting, or this edition may not be changed.
        """

    @abstractmethod
    def read_back(self) -> Native:
        """The native configuration as it is in force, read from the archive or its store.

        Compared with ``dialect.translate`` to prove that a fault is in place.
        """

    @abstractmethod
    def held(self, study_instance_uid: str | None = None) -> tuple[Fingerprint, ...]:
        """Fingerprints of all instances that it holds, by its own interface, duplicates kept."""

    @abstractmethod
    def empty(self) -> None:
        """Remove every object (external: only those that this run sent)."""

    def will_receive(self, study_instance_uids: Iterable[str]) -> None:
        """Hear which studies the lab is about to send to somebody; the lab's own need not mind.

        Raises:
            UnsupportedError: it holds such a study already, so that removing it would not only
                remove what the lab sent.
        """

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        """Tell it, the vendor's way, to C-STORE a study to the known AE titled ``to``.

        Raises:
            UnsupportedError: the vendor has no such way.
        """
        raise UnsupportedError(f"{self.role} sends nothing when told to, only on a C-MOVE request")

    def dicomweb(self) -> WebTarget:
        """Its DICOMweb services as other nodes of the lab reach them, with this run's credentials.

        Raises:
            UnsupportedError: it has none here; the message is the reason.
        """
        raise UnsupportedError(f"{self.role} has no DICOMweb services")

    @property
    def worklist_title(self) -> str:
        """The called AE title that its worklist is asked at; other titles may not offer it."""
        return self.settings.aetitle

    def schedule(self, schedule: Schedule) -> bool:
        """Replace its worklist; False where the product answers none."""
        return False

    def performed(self) -> tuple[PerformedStep, ...] | None:
        """The procedure steps that modalities reported to it, oldest first; None: it can't say."""
        return None

    def web(self) -> str:
        """Where a person finds its web interface, with the credentials made for this run."""
        return "none"

    def log(self) -> str:
        """Its log so far; the caller cuts out the window it wants."""
        return self._runner.log(self.role)

    def close(self) -> None:
        """Undo what outlives the runner (external: restore its settings); idempotent."""

    def _refuse_unsupported(self, settings: ArchiveSettings) -> None:
        """Nothing, where the dialect has a word for all of ``settings``.

        Raises:
            UnsupportedError: it has not.
        """
        for setting, reason in self.dialect.unsupported(settings).items():
            raise UnsupportedError(f"{setting}: {reason}")


class Stack(ABC):
    """A vendor: says in which edition it can run here, and makes its archives."""

    name: str
    #: Probes whose service its archives don't have, each with the reason.
    lacks: Mapping[str, str] = MappingProxyType({})

    @property
    @abstractmethod
    def aetitle(self) -> str:
        """The AE title that the product is shipped with."""

    @abstractmethod
    def editions(self, backend: Backend) -> tuple[Edition, ...]:
        """Editions this machine can run on ``backend``, the most real first; may be empty."""

    @abstractmethod
    def ports(self, edition: Edition) -> Mapping[str, int]:
        """Port names and in-container numbers; always has ``dicom``."""

    @abstractmethod
    def archive(self, edition: Edition, context: StackContext) -> Archive:
        """An archive of this edition, not started."""

    @property
    def runs_at(self) -> Mapping[str, Address]:
        """Where nodes reach it by port name, if it runs already; empty where the lab starts it."""
        return {}

    @property
    def client_tls(self) -> Tls | None:
        """What modalities need to open TLS to it (absolute paths), if not the lab's own material.

        None: nothing but what its settings say.
        """
        return None

    def why_it_can_not_call(self, receiver: Stack | None) -> str:
        """Why it can't open an association to a node of the lab; empty where nothing says so.

        Args:
            receiver: the stack of the receiving archive, None for a node of the lab's own.
        """
        return ""


STACKS: Registry[Stack] = Registry("stack", "orchestrator.stacks", InputError)
