"""A lab of fakes: archives, modalities and a backend in memory, so that the engine is tested alone.

The fakes agree on a world of addresses; a store reaches whatever archive is at the address that
the modality connects to, and is refused where nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydicom import dcmread

from dicom.association.ends import Target
from dicom.datasets.fingerprint import Fingerprint, fingerprint
from dicom.forwarding import ForwardReport
from dicom.ladder import Outcome, Rung, Signature
from dicom.settings import ArchiveSettings
from modalities.commands import Command, Report
from modalities.services.echo import Echo
from modalities.services.store import Store
from orchestrator.backends.base import Backend, InProcess, Launch, NodeRunner, Place, ThreadLaunch
from orchestrator.errors import LabError
from orchestrator.lab.nodes import InProcessModality, InProcessRelay
from orchestrator.model.address import Address
from orchestrator.model.events import CellDone, Event, Note, PhaseDone
from orchestrator.model.identity import Edition, Identity
from orchestrator.model.native_change import NativeChange
from orchestrator.model.results import CellResult, Verdict
from orchestrator.relay import Relay
from orchestrator.stacks.base import Archive, Native, Stack, StackContext
from orchestrator.stacks.native import native_changes


@dataclass
class FakeWorld:
    """Who is at which address, and what happened, in order."""

    archives: dict[Address, FakeArchive] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    open_runners: int = 0


class FakeDialect:
    """``title``, ``check``, ``callers`` and ``table``; no limit on associations."""

    where = "fake.conf"

    def unsupported(self, settings: ArchiveSettings) -> Mapping[str, str]:
        if settings.max_associations is not None:
            return {"max_associations": "the fake has no such limit"}
        return {}

    def translate(self, settings: ArchiveSettings) -> Native:
        table = {each.title: f"{each.host}:{each.port}" for each in settings.known_aes}
        return {
            "title": settings.aetitle,
            "check": settings.check_called_aetitle,
            "callers": settings.accepted_calling_aetitles,
            "table": table,
        }


class FakeArchive(Archive):
    """Holds what it is sent. ``deaf`` ignores new settings, ``leaky`` loses what it accepts."""

    def __init__(self, world: FakeWorld, context: StackContext, stack: FakeStack) -> None:
        super().__init__(context, FakeDialect())
        self.instances: list[Fingerprint] = []
        self._world = world
        self._stack = stack
        self.closed = False

    def launch(self) -> ThreadLaunch:
        return ThreadLaunch(
            role=self.role, ports={}, service="fake", start=lambda: _Stopper(self), by_hand=()
        )

    def await_ready(self) -> Identity:
        if self._stack.stillborn:
            raise LabError("waited for the fake, but it ended", log_tail=("last words",))
        self._world.archives[self._place.peers["dicom"]] = self
        return Identity(stack="fake", edition="profile", version="1.0", follows="fake-1.0")

    def configure(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        changes = native_changes(self.dialect, self.settings, settings)
        self._world.events.append(f"configure {self.role}")
        if not self._stack.deaf:
            self.settings = settings
        return changes

    def read_back(self) -> Native:
        return self.dialect.translate(self.settings)

    def receive(self, called: str, files: Sequence[Path]) -> Signature | None:
        checks = self.settings.check_called_aetitle or self._stack.stubborn
        if checks and called != self.settings.aetitle:
            return Signature.rejected(1, 1, 7)
        for file in files:
            dataset = dcmread(file)
            if not self._stack.leaky:
                self.instances.append(fingerprint(dataset, dataset.file_meta.TransferSyntaxUID))
        return None

    def held(self, study_instance_uid: str | None = None) -> tuple[Fingerprint, ...]:
        return tuple(
            each for each in self.instances if study_instance_uid in (None, each.study_instance_uid)
        )

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        raise LabError(f"the fake sends nothing ({study_instance_uid} to {to})")

    def empty(self) -> None:
        self._world.events.append(f"empty {self.role}")
        self.instances.clear()

    def log(self) -> str:
        return "\n".join(self._world.events)

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeStack(Stack):
    """A vendor whose archives misbehave as told."""

    world: FakeWorld
    name: str = "fake"
    aetitle: str = "FAKE"
    deaf: bool = False
    leaky: bool = False
    stillborn: bool = False
    stubborn: bool = False

    def editions(self, backend: Backend) -> tuple[Edition, ...]:
        return ("profile",)

    def ports(self, edition: Edition) -> Mapping[str, int]:
        return {"dicom": 104, "web": 80}

    def archive(self, edition: Edition, context: StackContext) -> FakeArchive:
        return FakeArchive(self.world, context, self)


@dataclass
class _Stopper:
    archive: FakeArchive

    def stop(self) -> None:
        """Fakes hold no socket."""


class FakeModality:
    """Carries out echo and store against the world; a hook may do something first."""

    def __init__(
        self, role: str, exchange: Path, world: FakeWorld, hook: Callable[[Command], None]
    ) -> None:
        self._role = role
        self._exchange = exchange
        self._world = world
        self._hook = hook

    def run(self, command: Command) -> Report:
        self._hook(command)
        match command:
            case Store():
                self._world.events.append(f"{self._role} stores")
                return self._store(command)
            case Echo():
                return self._stopped(command.target) or Report()
            case _:
                return Report()

    def stop(self) -> None:
        """Fakes hold no socket."""

    def _store(self, command: Store) -> Report:
        stopped = self._stopped(command.target)
        if stopped is not None:
            return stopped
        archive = self._world.archives[Address(command.target.host, command.target.port)]
        files = [self._exchange / file for file in command.files]
        signature = archive.receive(command.target.called, files)
        if signature is not None:
            return Report(outcome=Outcome.at(Rung.ASSOCIATE, signature))
        return Report()

    def _stopped(self, target: Target) -> Report | None:
        if Address(target.host, target.port) in self._world.archives:
            return None
        return Report(outcome=Outcome.at(Rung.CONNECT, Signature(kind="refused")))


@dataclass
class FakeNodes:
    """Makes fake modalities and the real relay."""

    world: FakeWorld
    hook: Callable[[Command], None] = lambda _command: None

    def modality(self, role: str, exchange: Path) -> InProcessModality:
        return FakeModality(role, exchange, self.world, self.hook)

    def relay(self) -> InProcessRelay:
        return Relay()


class FakeRunner:
    """Reserves addresses of its own and starts whatever runs in this process."""

    def __init__(self, world: FakeWorld, folder: Path) -> None:
        self._world = world
        self._folder = folder
        self._running: list[InProcess] = []
        world.open_runners += 1
        self._open = True

    @property
    def filters(self) -> None:
        return None

    def reserve(self, role: str, ports: Mapping[str, int]) -> Place:
        exchange = self._folder / "exchange"
        exchange.mkdir(parents=True, exist_ok=True)
        addresses = {name: Address(role, port) for name, port in ports.items()}
        return Place(
            role=role,
            listen=addresses,
            peers=addresses,
            config=self._folder,
            data=self._folder,
            exchange=exchange,
            node_config="",
            node_data="",
            node_exchange=str(exchange),
        )

    def start(self, launches: Sequence[Launch]) -> None:
        for launch in launches:
            assert isinstance(launch, ThreadLaunch)
            self._running.append(launch.start())

    def restart(self, launch: Launch, *, wipe: bool = False) -> None:
        raise AssertionError("fakes are never restarted")

    def rewrite(self, launch: Launch) -> None:
        raise AssertionError("fakes have no files")

    def control(self, role: str, port: str) -> Address:
        return Address(role, 0)

    def alive(self, role: str) -> bool:
        return True

    def log(self, role: str) -> str:
        return ""

    def reproduce(self) -> tuple[str, ...]:
        return ("start the fake",)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._world.open_runners -= 1
            self._world.events.append("runner closed")
        for node in self._running:
            node.stop()


@dataclass
class FakeBackend:
    """A backend whose runners are fakes."""

    world: FakeWorld
    name: str = "local"
    shares_labs: bool = False

    def unavailable(self) -> str | None:
        return None

    def has(self, service: str, binary: str | None) -> str | None:
        return None

    def open(self, run: str, lab: str, folder: Path) -> NodeRunner:
        self.world.events.append(f"runner {lab} opened")
        return FakeRunner(self.world, folder)


@dataclass
class Heard:
    """Remembers what was told of a run."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    @property
    def phases(self) -> list[str]:
        return [event.phase.name for event in self.events if isinstance(event, PhaseDone)]

    @property
    def results(self) -> list[CellResult]:
        return [event.result for event in self.events if isinstance(event, CellDone)]

    @property
    def done(self) -> list[Verdict]:
        return [result.verdict for result in self.results]

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]
