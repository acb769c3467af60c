"""A running lab: its nodes, the state they are in, and how it is changed.

The only way to change a lab is ``enact``: it compares states, changes exactly what differs in
each vendor's own way, and reads everything back.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Lock
from typing import Final

from dicom.association.ends import Caller, Target
from dicom.frozen import Frozen
from dicom.ladder import Rung
from dicom.tracing.trace import AssociationTrace
from dicom.workflow.schedule import Schedule
from modalities.commands import Command, Report
from modalities.services.echo import Echo
from orchestrator.backends.base import Backend
from orchestrator.errors import FaultNotInPlaceError, LabError, PacslabError
from orchestrator.lab.changes import entry_changes, modality_changes, study_changes, wire_change
from orchestrator.lab.network import Network
from orchestrator.lab.nodes import Nodes, SimulatedNodes
from orchestrator.lab.own_nodes import OwnNodes
from orchestrator.lab.places import Places
from orchestrator.lab.plan import LabPlan
from orchestrator.lab.schedules import write_schedule
from orchestrator.model.address import Address
from orchestrator.model.identity import Identity
from orchestrator.model.native_change import NativeChange
from orchestrator.model.state import LabState, Link, WireState
from orchestrator.stacks.base import Archive, StackContext
from orchestrator.stacks.native import not_in_force

#: Lines of a log that an error shows.
_LAST_LINES: Final = 20


class Enacted(Frozen):
    """What ``enact`` changed, in each product's own words, and the proof that it took."""

    changes: tuple[NativeChange, ...]
    in_place: tuple[str, ...]


class Lab:
    """The nodes of one lab on one backend. Use as a context manager: leaving removes everything.

    Args:
        plan: which nodes, and what the lab is called.
        backend: where they run.
        nodes: who makes our own nodes where they run in this process; tests put fakes here.
    """

    def __init__(self, plan: LabPlan, backend: Backend, nodes: Nodes | None = None) -> None:
        self.topology = plan.topology
        self.backend = backend
        self.identities: dict[str, Identity] = {}
        self.state = LabState()
        self._plan = plan
        self._archives: dict[str, Archive] = {}
        self._launched: list[str] = []
        self._closing = Lock()
        self._runner = backend.open(plan.run, plan.name, plan.folder)
        try:
            self._places = Places(self._runner, plan.topology, plan.relayed)
        except BaseException:
            # Nobody else knows of the runner yet.
            self._runner.close()
            raise
        makers = nodes or SimulatedNodes()
        self._own = OwnNodes(self._runner, self._places, makers, plan.relayed)

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # --- what probes and faults use -------------------------------------------------------

    @property
    def exchange(self) -> Path:
        """Folder that all nodes share: studies below ``study/``, certificates below ``tls/``."""
        return self._places[self.feeder].exchange

    @property
    def feeder(self) -> str:
        """The modality that stores studies beforehand and tries things for faults."""
        return self.topology.feeder

    @property
    def network(self) -> Network:
        """What can treat packets between the nodes."""
        return Network(self._own.wires, self._runner.filters)

    @property
    def archives(self) -> Mapping[str, Archive]:
        """Archives by role."""
        return self._archives

    def ask(self, role: str, command: Command) -> Report:
        """Have the modality or workstation in ``role`` carry out ``command``.

        Raises:
            LabError: the node is gone or can't carry it out as written; failures of the exchange
                itself are in the report.
        """
        return self._own.ask(role, command)

    def target(self, link: Link) -> Target:
        """The server of ``link`` as its client, a modality, believes it to be now."""
        client, _ = link
        entry = self.state.entries[link]
        address = self.endpoint(link)
        tls = self.state.modalities[client].client_tls if entry.tls else None
        return Target(host=address.host, port=address.port, called=entry.title, tls=tls)

    def caller(self, role: str) -> Caller:
        """A modality's own side of its associations."""
        state = self.state.modalities[role]
        return state.own_side(state.aetitle)

    def endpoint(self, link: Link) -> Address:
        """Where the client of ``link`` connects now, as nodes see it."""
        return self._places.address(link, self.state.entries[link])

    def certificate(self, file: str) -> str:
        """A certificate in words, as it lies below ``exchange``.

        Raises:
            LabError: there is no such file, or no certificate in it.
        """
        from orchestrator.lab.certificates import describe_certificate  # slow to import

        return describe_certificate(self.exchange / file)

    # --- life cycle -----------------------------------------------------------------------

    def start(self, healthy: LabState) -> None:
        """Start all nodes in the ``healthy`` state and wait until each of them answers.

        Raises:
            LabError: a node did not come up.
        """
        self.state = healthy
        certificates = {role: (role, "localhost") for role in self._places.nodes}
        if self._plan.keys is not None:
            from orchestrator.lab.certificates import CertificateStore  # slow to import

            CertificateStore.create(self.exchange / "tls", certificates, self._plan.keys)
        for modality in healthy.modalities.values():
            if modality.ris is not None and modality.ris.worklist is not None:
                write_schedule(self.exchange / modality.ris.worklist.file, Schedule())
        launches = self._own.launches(healthy.modalities.items())
        for role, chosen in self.topology.archives.items():
            context = StackContext(
                role=role,
                runner=self._runner,
                place=self._places[role],
                backend=self.backend,
                settings=self._places.with_table(role, healthy),
                run_folder=str(self._plan.folder),
            )
            self._archives[role] = chosen.stack.archive(chosen.edition, context)
        launches += [
            launch
            for archive in self._archives.values()
            if (launch := archive.launch()) is not None
        ]
        self._runner.start(launches)
        self._launched = [launch.role for launch in launches]
        self._own.connect(healthy.modalities.items())
        self._await_archives()

    def enact(self, state: LabState) -> Enacted:
        """Bring the lab into ``state`` and prove that it is in it.

        Raises:
            UnsupportedError: a stack has no such setting.
            FaultNotInPlaceError: reading back shows something else than was set.
        """
        before, self.state = self.state, state
        changes: list[NativeChange] = []
        in_place: list[str] = []
        for link in sorted(state.wires.keys() | before.wires.keys()):
            old, new = before.wires.get(link, WireState()), state.wires.get(link, WireState())
            if old != new:
                in_place += self.network.treat(link, old, new)
                changes.append(wire_change(link, old, new))
        for role, modality in state.modalities.items():
            if modality != before.modalities[role]:
                changes += modality_changes(role, before.modalities[role], modality)
                self._own.listen(role, modality)
        changes += study_changes(self.feeder, before.study, state.study)
        for link in sorted(state.entries.keys() | before.entries.keys()):
            if link[0] in state.modalities:
                changes += self._entry_changes(link, before, state)
        for role in state.archives:
            archive_changes, lines = self._configure(role, state)
            changes += archive_changes
            in_place += lines
        return Enacted(changes=tuple(changes), in_place=tuple(in_place))

    def require_alive(self) -> None:
        """Nothing, as long as every node that was started still runs.

        Raises:
            LabError: one has ended although nobody told it to; with its last words.
        """
        for role in self._launched:
            if not self._runner.alive(role):
                who = self.identities.get(role)
                raise LabError(
                    f"{role}{f' ({who})' if who else ''} ended by itself, or was ended from"
                    " outside. Its last lines follow; all of its log is in the record.",
                    log_tail=tuple(self._last_words(role).splitlines()[-_LAST_LINES:]),
                )

    def forget(self) -> None:
        """Start a new window of evidence: drop traces and what workstations received."""
        self._own.forget()

    def traces(self) -> tuple[AssociationTrace, ...]:
        """What storage SCPs and the relay saw since ``forget``, oldest first."""
        return self._own.traces()

    def link_traces(self, link: Link) -> tuple[AssociationTrace, ...]:
        """What the relay saw on one link since ``forget``."""
        return self._own.link_traces(link)

    def logs(self) -> dict[str, str]:
        """Each archive's log so far."""
        return {role: archive.log() for role, archive in self._archives.items()}

    def reproduce(self) -> tuple[str, ...]:
        """Lines for a shell that start the same lab by hand."""
        return self._runner.reproduce()

    def reachable(self) -> tuple[str, ...]:
        """How a person reaches the running lab, a line per node."""
        lines = [
            f"{role}: {self.identities[role]}, AE title {self.state.archives[role].aetitle},"
            f" DICOM {self._places[role].peers['dicom']}, web {archive.web()}"
            for role, archive in self._archives.items()
        ]
        lines += [
            f"{role}: AE title {state.aetitle}, DICOM {self._places[role].peers['dicom']}"
            for role, state in self.state.modalities.items()
        ]
        return tuple(lines)

    def abandon(self) -> None:
        """Remove all nodes at once, whatever another thread is doing with them.

        What that thread waits for ends; it must still ``close`` the lab.
        """
        self._runner.close()

    def close(self) -> None:
        """Put external archives back as they were and remove everything else; idempotent.

        Raises:
            LabError: an external archive could not be left as it was found.
        """
        with self._closing, ExitStack() as undo:
            undo.callback(self._runner.close)
            for archive in self._archives.values():
                undo.callback(archive.close)

    # --- parts ----------------------------------------------------------------------------

    def _last_words(self, role: str) -> str:
        try:
            return self._runner.log(role)
        except PacslabError as error:  # its container is gone, and its log with it
            return str(error)

    def _await_archives(self) -> None:
        """Ready means answering: the archive's own interface, then a C-ECHO from the feeder."""
        feeder = self.feeder
        with ThreadPoolExecutor(max_workers=max(1, len(self._archives))) as pool:
            ready = pool.map(lambda each: (each[0], each[1].await_ready()), self._archives.items())
            self.identities = dict(ready)
        for role, archive in self._archives.items():
            report = self.ask(
                feeder, Echo(target=self.target((feeder, role)), caller=self.caller(feeder))
            )
            if report.outcome.rung in (Rung.RESOLVE, Rung.CONNECT):
                raise LabError(
                    f"{role} ({self.identities[role]}) is up but does not answer a C-ECHO from"
                    f" {feeder} on its DICOM port {self.endpoint((feeder, role))}:"
                    f" {report.outcome}. {report.comment}",
                    log_tail=tuple(archive.log().splitlines()[-_LAST_LINES:]),
                )

    def _configure(self, role: str, state: LabState) -> tuple[list[NativeChange], list[str]]:
        archive = self._archives[role]
        wanted = self._places.with_table(role, state)
        if wanted == archive.settings:
            return [], []
        changes = list(archive.configure(wanted))
        wrong = not_in_force(archive.read_back(), archive.dialect.translate(wanted), changes)
        if wrong:
            raise FaultNotInPlaceError(
                f"{self.identities[role]} in role {role!r} was configured but reports something"
                f" else: {'; '.join(wrong)}. Look at its log in the record."
            )
        return changes, [f"{role} reports {change.key} = {change.after}" for change in changes]

    def _entry_changes(
        self, link: Link, before: LabState, after: LabState
    ) -> tuple[NativeChange, ...]:
        old, new = before.entries.get(link), after.entries.get(link)
        if old is None or new is None or old == new:
            return ()
        return entry_changes(
            link, (old, self._places.address(link, old)), (new, self._places.address(link, new))
        )
