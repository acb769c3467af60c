"""The phases of one cell on a lab: baseline, fault, fix, each tried with the same probe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.errors import PacslabError, UnsupportedError
from orchestrator.evidence import log_lines
from orchestrator.judging.verdict import Combination, judge, verdict_of
from orchestrator.lab.lab import Enacted, Lab
from orchestrator.lab.study import SentStudy, StudyMaker
from orchestrator.model.results import PhaseResult, Verdict
from orchestrator.model.scenario import PhaseName, Route
from orchestrator.model.state import LabState
from orchestrator.probes.base import PROBES, Probe
from orchestrator.probes.store import StoreProbe
from orchestrator.runs.plan import CellPlan

#: Told about every phase as soon as it was observed.
OnPhase = Callable[[PhaseResult], None]


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
        return verdict_of(self._plan.scenario.phases, self.phases)

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
        if name == "fault" and self._plan.scenario.fault is not None:
            in_place += self._plan.scenario.fault.verify(self._lab, self.route)
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
