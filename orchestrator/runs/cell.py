"""Cells on benches: a bench is one lab on which one or more cells run, one after the other."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestrator.backends.base import Backend
from orchestrator.errors import EnvironmentProblemError, LabError, PacslabError, UnsupportedError
from orchestrator.faults.base import Fault
from orchestrator.lab.lab import Lab
from orchestrator.lab.study import StudyMaker
from orchestrator.lab.topology import topology_of
from orchestrator.model.events import CellDone, CellStarted, Note, OnEvent, PhaseDone
from orchestrator.model.identity import Identity
from orchestrator.model.results import CellId, CellResult, PhaseResult, Verdict
from orchestrator.model.scenario import Scenario
from orchestrator.model.state import Link
from orchestrator.records.full_disk import is_full
from orchestrator.records.record import write_cell
from orchestrator.relay import wire_name
from orchestrator.runs.phases import CellPlan, CellRun, plan_cell
from orchestrator.stacks.base import Stack

_FULL: Final = (
    "the disk with the run's folder or with the temporary folder is full; free some space, or"
    " choose other folders with --runs and TMPDIR"
)
_INTERRUPTED: Final = "interrupted: the run was stopped while this cell was at work"

if TYPE_CHECKING:
    from orchestrator.lab.certificates import KeyRing


class InterruptedCellError(PacslabError):
    """The run was told to stop while this cell was at work."""


@dataclass(frozen=True)
class Outlook:
    """A cell and what is known of it before anything starts: a plan, or why there is none."""

    cell: CellId
    plan: CellPlan | None
    why_not: str = ""

    def refusal(self, backend: str) -> CellResult:
        """The result of a cell that can't be run."""
        return CellResult(
            cell=self.cell, backend=backend, verdict=Verdict.UNSUPPORTED, reason=self.why_not
        )


def plan_all(
    scenario: Scenario[Fault],
    cells: Iterable[CellId],
    backend: Backend,
    stacks: Mapping[str, Stack],
) -> list[Outlook]:
    """Plan each cell of ``scenario``; one that this machine can't run keeps the reason."""
    outlooks = []
    for cell in cells:
        varied = scenario.variant(cell.variant)
        try:
            topology = topology_of(varied, cell, backend, stacks)
            plan = plan_cell(cell, varied, topology, backend.name)
        except (EnvironmentProblemError, UnsupportedError) as error:
            outlooks.append(Outlook(cell, None, str(error)))
            continue
        if plan.unsupported:
            outlooks.append(Outlook(cell, None, plan.unsupported))
        else:
            outlooks.append(Outlook(cell, plan))
    return outlooks


@dataclass
class Bench:
    """One lab and the cells that run on it in turn.

    Attributes:
        plans: cells whose nodes are the same.
        name: the lab's name, unique on this machine.
        keep: leave the lab running after its last cell (``give_up`` ends it).
        results: of the cells that are finished.
        written: the same as ``run.json`` has them, for those whose evidence is on disk.
    """

    plans: list[CellPlan]
    backend: Backend
    run_name: str
    name: str
    run_folder: Path
    folder: Path
    seed: int
    own_files: Path | None
    stop: threading.Event
    tell: OnEvent
    keys: KeyRing | None
    keep: bool = False
    results: list[CellResult] = field(default_factory=list)
    written: dict[str, CellResult] = field(default_factory=dict)
    _lab: Lab | None = None
    _identities: dict[str, Identity] = field(default_factory=dict)
    _reproduce: tuple[str, ...] = ()

    def run(self) -> None:
        """Run every cell; whatever happens, each gets a result and the lab is removed."""
        try:
            for plan in self.plans:
                if self.stop.is_set():
                    return
                self.tell(CellStarted(plan.cell))
                result = self._run_cell(plan)
                self.results.append(result)
                self.tell(CellDone(result, self._stored(result)))
        finally:
            if not self.kept:
                self.give_up()

    def interrupt(self) -> None:
        """Remove the nodes under the running cell, so that it ends at once.

        The lab itself is closed by the thread that works on it, at the end of ``run``.
        """
        self.stop.set()
        lab = self._lab
        if lab is not None:
            lab.abandon()

    def lost(self, plan: CellPlan, reason: str) -> CellResult:
        """The result of a cell about which nothing is known any more."""
        return CellResult(
            cell=plan.cell,
            backend=self.backend.name,
            verdict=Verdict.ERROR,
            reason=reason,
            folder=str(self.folder.relative_to(self.run_folder)),
        )

    @property
    def cells(self) -> tuple[CellId, ...]:
        """The cells that run on it."""
        return tuple(plan.cell for plan in self.plans)

    @property
    def kept(self) -> bool:
        """Whether the lab is to outlive its cells; one that never came up is no use to anybody."""
        came_up = self._lab is not None and bool(self._lab.identities)
        return self.keep and came_up and not self.stop.is_set()

    def reachable(self) -> tuple[str, ...]:
        """How to reach the kept lab."""
        return self._lab.reachable() if self._lab is not None else ()

    def _stored(self, result: CellResult) -> CellResult | None:
        """Put the evidence on disk at once: a run that is killed later keeps it."""
        try:
            self.written[result.cell.slug] = stored = write_cell(self.run_folder, result)
        except OSError as error:
            # Writing the record will meet the same obstacle and end the run with its reason.
            self.tell(Note(f"{result.cell.title}: evidence not written: {error}"))
            return None
        return stored

    def _run_cell(self, plan: CellPlan) -> CellResult:
        began = time.monotonic()
        phases: list[PhaseResult] = []
        verdict, reason = self._verdict(plan, phases)
        last = plan is self.plans[-1]
        # After an error the lab's state is unknown: the next cell gets a new one.
        over = not self.kept if last else verdict is Verdict.ERROR
        if over and (left_over := self.give_up()):
            verdict, reason = Verdict.ERROR, "\n".join(filter(None, (reason, left_over)))
        return CellResult(
            cell=plan.cell,
            backend=self.backend.name,
            verdict=verdict,
            reason=reason,
            identities=self._identities,
            phases=tuple(phases),
            reproduce=self._reproduce,
            folder=str(self.folder.relative_to(self.run_folder)),
            seconds=round(time.monotonic() - began, 3),
        )

    def _verdict(self, plan: CellPlan, phases: list[PhaseResult]) -> tuple[Verdict, str]:
        def on_phase(phase: PhaseResult) -> None:
            phases.append(phase)
            self.tell(PhaseDone(plan.cell, phase))

        try:
            lab = self._healthy_lab(plan)
            maker = StudyMaker(
                lab.exchange,
                plan.scenario.study,
                seed=self.seed,
                cell=plan.cell.slug,
                own_files=self.own_files or _folder_of(plan.scenario),
            )
            return CellRun(plan, lab, maker, on_phase, self._check).run()
        except UnsupportedError as error:
            return Verdict.UNSUPPORTED, str(error)
        except Exception as error:  # noqa: BLE001  one cell's bug must not hide the others' results
            if self.stop.is_set():
                return Verdict.ERROR, _INTERRUPTED
            if isinstance(error, PacslabError):
                return Verdict.ERROR, _in_words(error)
            if is_full(error):
                return Verdict.ERROR, _FULL
            return Verdict.ERROR, f"{type(error).__name__}: {error}{self._keep_traceback()}"

    def _healthy_lab(self, plan: CellPlan) -> Lab:
        """A new lab, or the one of the cell before, healthy and empty again."""
        self._check()
        if self._lab is not None and self._has_died(self._lab):
            self.give_up()
        if self._lab is None:
            return self._new_lab(plan)
        self._lab.enact(plan.states["baseline"])
        for archive in self._lab.archives.values():
            archive.empty()
        return self._lab

    def _new_lab(self, plan: CellPlan) -> Lab:
        self.folder.mkdir(parents=True, exist_ok=True)
        relayed: frozenset[Link] = frozenset().union(*(each.relayed for each in self.plans))
        tls = any(state.tls for each in self.plans for state in each.states.values())
        self._lab = lab = Lab(
            plan.topology,
            self.backend,
            run=self.run_name,
            name=self.name,
            folder=self.folder,
            relayed=relayed,
            keys=self.keys if tls else None,
        )
        self._check()  # whoever interrupted this bench may not have seen the lab yet
        lab.start(plan.states["baseline"])
        self._identities = lab.identities
        self._reproduce = lab.reproduce()
        return lab

    @staticmethod
    def _has_died(lab: Lab) -> bool:
        """Whether a node ended after the cell before: not the next cell's fault."""
        try:
            lab.require_alive()
        except PacslabError:
            return True
        return False

    def give_up(self) -> str:
        """Remove the lab; what could not be undone, empty when all of it was. Idempotent."""
        lab, self._lab = self._lab, None
        try:
            if lab is not None:
                lab.close()
        except (PacslabError, OSError) as error:
            return str(error)
        return ""

    def _keep_traceback(self) -> str:
        """Write the traceback of the error being handled; where it is, in words."""
        try:
            (self.folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        except OSError as error:  # a full disk, most likely what went wrong in the first place
            return f" (no traceback kept: {error.strerror})"
        return " (traceback in error.txt)"

    def _check(self) -> None:
        if self.stop.is_set():
            raise InterruptedCellError(_INTERRUPTED)


def benches_of(
    outlooks: Iterable[Outlook],
    backend: Backend,
    *,
    run: str,
    folder: Path,
    seed: int,
    own_files: Path | None,
    stop: threading.Event,
    tell: OnEvent,
) -> list[Bench]:
    """Group planned cells: containers are shared by cells with the same nodes, since starting
    them costs more than reconfiguring; processes on loopback are made anew for each cell."""
    groups: dict[str, list[CellPlan]] = {}
    for outlook in outlooks:
        if outlook.plan is not None:
            key = _bench_key(outlook.plan, backend)
            groups.setdefault(key, []).append(outlook.plan)
    keys = (
        _key_ring() if any(_speaks_tls(plan) for each in groups.values() for plan in each) else None
    )
    return [
        Bench(
            plans=plans,
            backend=backend,
            run_name=run,
            name=f"pacslab-{run.lower()}-{index}",
            run_folder=folder,
            folder=folder / "cells" / key if len(plans) == 1 else folder / "labs" / key,
            seed=seed,
            own_files=own_files,
            stop=stop,
            tell=tell,
            keys=keys,
        )
        for index, (key, plans) in enumerate(groups.items())
    ]


def _folder_of(scenario: Scenario) -> Path | None:
    return Path(scenario.study.folder) if scenario.study.folder is not None else None


def _speaks_tls(plan: CellPlan) -> bool:
    return any(state.tls for state in plan.states.values())


def _key_ring() -> KeyRing:
    from orchestrator.lab.certificates import KeyRing  # slow to import, and few cells need it

    return KeyRing()


def _bench_key(plan: CellPlan, backend: Backend) -> str:
    if not backend.shares_labs:
        return plan.cell.slug
    archives = (f"{role}-{chosen.stack.name}" for role, chosen in plan.topology.archives.items())
    relayed = (wire_name(link) for link in plan.relayed)
    return ".".join((*sorted(archives), *sorted(plan.topology.modalities), *sorted(relayed)))


def _in_words(error: PacslabError) -> str:
    tail = error.log_tail if isinstance(error, LabError) else ()
    return "\n".join((str(error), *tail))
