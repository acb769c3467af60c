"""The phases of one cell on a lab: baseline, fault, fix, each tried with the same probe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from orchestrator.errors import PacslabError, UnsupportedError
from orchestrator.evidence import log_lines
from orchestrator.faults.base import Fault
from orchestrator.judging.verdict import Combination, judge, verdict_of
from orchestrator.lab.lab import Enacted, Lab
from orchestrator.lab.study import SentStudy, StudyMaker
from orchestrator.lab.topology import Topology, healthy_state
from orchestrator.model.results import CellId, PhaseResult, Verdict
from orchestrator.model.scenario import PhaseName, Remedy, Route, Scenario
from orchestrator.model.state import LabState, Link
from orchestrator.probes.base import PROBES, Probe
from orchestrator.probes.store import StoreProbe

#: Told about every phase as soon as it was observed.
OnPhase = Callable[[PhaseResult], None]


@dataclass(frozen=True)
class CellPlan:
    """A cell thought through before anything starts.

    ``states`` holds the lab's state in each phase, in order. ``unsupported`` is why the cell
    can't be run, where that is known beforehand.
    """

    cell: CellId
    scenario: Scenario[Fault]
    topology: Topology
    fault: Fault | None
    states: dict[PhaseName, LabState]
    unsupported: str = ""

    @property
    def relayed(self) -> frozenset[tuple[str, str]]:
        """Links through the relay: those that it disturbs, and each archive's outgoing one.

        Where a packet filter or a pulled cable does it, a relay in between would take the
        connection before it can be refused.
        """
        wires = [pair for state in self.states.values() for pair in state.wires.items()]
        disturbed = {link for link, wire in wires if wire.how == "relay"}
        untouched = {link for link, wire in wires if wire.how != "relay"}
        return frozenset((disturbed | _sent_by_archives(self.cell, self.topology)) - untouched)


def plan_cell(
    cell: CellId, scenario: Scenario[Fault], topology: Topology, backend: str
) -> CellPlan:
    """Work out every phase's state."""
    unsupported = _missing_service(cell, topology) or _out_of_reach(cell, topology)
    healthy = healthy_state(scenario, topology)
    states: dict[PhaseName, LabState] = {"baseline": healthy}
    fault = scenario.fault
    if fault is not None and not unsupported:
        try:
            states["fault"] = fault.change(healthy, cell.ends)
            states["fix"] = _repaired(scenario, healthy, states["fault"])
            unsupported = fault.unsupported_on(backend) or ""
        except UnsupportedError as error:
            unsupported = str(error)
    return CellPlan(cell, scenario, topology, fault, states, unsupported)


def _sent_by_archives(cell: CellId, topology: Topology) -> set[Link]:
    """Links on which an archive opens the association: its own sending, C-MOVE's, callbacks."""
    ends = cell.ends
    links = set()
    if ends.source in topology.archives:
        links.add((ends.source, ends.target))
    if ends.destination is not None:
        links.add((ends.target, ends.destination))
    probe = PROBES[ends.probe]
    if probe.calls_back and ends.target in topology.archives:
        links.add((ends.target, ends.source))
    return links


def _missing_service(cell: CellId, topology: Topology) -> str:
    """Why the archive that is asked has no such service; empty where nothing says so."""
    ends = cell.ends
    asked = topology.archives.get(
        ends.source if PROBES[ends.probe].starts_at_archive else ends.target
    )
    return "" if asked is None else asked.stack.lacks.get(ends.probe, "")


def _out_of_reach(cell: CellId, topology: Topology) -> str:
    """Why an archive of the cell can't reach whom it has to send to; empty where it can."""
    for client, server in sorted(_sent_by_archives(cell, topology)):
        sender, receiver = topology.archives[client], topology.archives.get(server)
        if why := sender.stack.why_it_can_not_call(receiver.stack if receiver else None):
            return why
    return ""


def _repaired(scenario: Scenario, healthy: LabState, broken: LabState) -> LabState:
    if not isinstance(scenario.fix, Remedy):
        return healthy
    return broken.with_settings(scenario.fix.settings)


class CellRun:
    """One cell on a lab that is in the cell's baseline state.

    Args:
        plan: what to do.
        lab: started and healthy.
        maker: makes the studies.
        on_phase: told after each phase.
        check: called between steps; raises to stop an interrupted run.
    """

    def __init__(
        self,
        plan: CellPlan,
        lab: Lab,
        maker: StudyMaker,
        on_phase: OnPhase,
        check: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._lab = lab
        self._maker = maker
        self._on_phase = on_phase
        self._check = check
        self._probe: Probe = PROBES[plan.cell.ends.probe]
        self._held: dict[PhaseName, SentStudy] = {}
        self.phases: list[PhaseResult] = []

    @property
    def route(self) -> Route:
        """The cell's route."""
        return self._plan.cell.ends

    def run(self) -> tuple[Verdict, str]:
        """Go through the phases; a failed baseline ends it.

        Returns:
            The verdict and its reason.

        Raises:
            UnsupportedError: a stack has no such setting.
            FaultNotInPlaceError: the fault did not take.
            LabError: a node failed.
        """
        self._refuse_unsupported()
        if self._probe.needs_held_study:
            with self._all_alive():
                problem = self._store_beforehand()
            if problem:
                return Verdict.INCONCLUSIVE, problem
        for name in self._plan.states:
            self._check()
            with self._all_alive():
                phase = self._phase(name)
            # What was seen while the run was being stopped was seen on a lab being removed.
            self._check()
            self.phases.append(phase)
            self._on_phase(phase)
            if name == "baseline" and not phase.met:
                break
        return verdict_of(self._plan.scenario, self.phases)

    def _refuse_unsupported(self) -> None:
        for role, archive in self._lab.archives.items():
            for name, state in self._plan.states.items():
                for setting, reason in archive.dialect.unsupported(state.archives[role]).items():
                    raise UnsupportedError(
                        f"{self._lab.identities[role]} can't be put into phase {name}:"
                        f" {setting}: {reason}"
                    )

    def _store_beforehand(self) -> str:
        """Give the archive a study for each phase, while the lab is healthy; why not, if not."""
        holder = self._probe.holder(self.route)
        feeding = Route.model_validate({"probe": "store", "from": self._lab.feeder, "to": holder})
        for name in self._plan.states:
            if self._held and self._maker.must_empty:
                self._held[name] = next(iter(self._held.values()))
                continue
            study = self._make(name, self._plan.states["baseline"])
            stored = StoreProbe().run(self._lab, feeding, study).observation
            if not stored.outcome.succeeded:
                if study.unrelated:
                    study = study.only(self._held_by(holder, study))
                if not study.unrelated or not study.files:
                    return f"{holder} could not be given a study beforehand: {stored.words}"
            self._held[name] = study
        return ""

    def _held_by(self, role: str, study: SentStudy) -> frozenset[str]:
        """SOP Instance UIDs of ``study`` that the archive in ``role`` really holds."""
        archive = self._lab.archives[role]
        return frozenset(
            each.sop_instance_uid for uid in study.study_uids for each in archive.held(uid)
        )

    @contextmanager
    def _all_alive(self) -> Iterator[None]:
        """A node that dies inside explains whatever else was seen."""
        try:
            yield
        except PacslabError:
            self._lab.require_alive()
            raise
        self._lab.require_alive()

    def _phase(self, name: PhaseName) -> PhaseResult:
        began = time.monotonic()
        state = self._plan.states[name]
        enacted = Enacted(changes=(), in_place=())
        if name != "baseline":
            enacted = self._lab.enact(state)
        in_place = enacted.in_place
        if name == "fault" and self._plan.fault is not None:
            in_place += self._plan.fault.verify(self._lab, self.route)
        study = self._study(name, state)
        self._lab.forget()
        before = self._lab.logs()
        probed = self._probe.run(self._lab, self.route, study)
        after = self._lab.logs()
        judgement = judge(
            self._plan.scenario,
            name,
            Combination(self._plan.cell.route, self.route, self._lab.identities),
            probed.observation.outcome,
            self._probe.goal,
        )
        return PhaseResult(
            name=name,
            observation=probed.observation,
            expected=judgement.expected,
            met=judgement.met,
            why=judgement.why,
            changes=enacted.changes,
            in_place=in_place,
            traces=(*probed.traces, *self._lab.traces()),
            logs=tuple(log_lines(role, before[role], after[role]) for role in after),
            seconds=time.monotonic() - began,
        )

    def _study(self, name: PhaseName, state: LabState) -> SentStudy:
        if self._maker.must_empty and name != "baseline":
            holder = self._probe.holder(self.route) if self._probe.needs_held_study else None
            for role, archive in self._lab.archives.items():
                if role != holder:
                    archive.empty()
        if self._probe.needs_held_study:
            return self._held[name]
        return self._make(name, state)

    def _make(self, name: PhaseName, state: LabState) -> SentStudy:
        study = self._maker.make(name, state.study)
        for archive in self._lab.archives.values():
            archive.will_receive(study.study_uids)
        return study
