"""The cells of a group at work on their lab, one after the other."""

from __future__ import annotations

import threading
import time
import traceback
from pathlib import Path
from typing import Final

from orchestrator.errors import LabError, PacslabError, UnsupportedError
from orchestrator.lab.lab import Lab
from orchestrator.lab.study import StudyMaker
from orchestrator.model.events import CellDone, CellStarted, Note, OnEvent, PhaseDone
from orchestrator.model.identity import Identity
from orchestrator.model.results import CellResult, PhaseResult, Verdict
from orchestrator.model.scenario import Scenario
from orchestrator.records.evidence_files import write_cell
from orchestrator.records.full_disk import is_full
from orchestrator.runs.groups import CellGroup
from orchestrator.runs.phases import CellRun
from orchestrator.runs.plan import CellPlan

_FULL: Final = (
    "the disk with the run's folder or with the temporary folder is full; free some space, or"
    " choose other folders with --runs and TMPDIR"
)
_INTERRUPTED: Final = "interrupted: the run was stopped while this cell was at work"


class InterruptedCellError(PacslabError):
    """The run was told to stop while this cell was at work."""


class GroupRun:
    """One lab, and the cells that run on it in turn.

    Args:
        group: the cells, and what their lab is to be.
        stop: set when the run is to end.
    """

    def __init__(self, group: CellGroup, stop: threading.Event) -> None:
        self.group = group
        self._stop = stop
        self._lab: Lab | None = None
        self._identities: dict[str, Identity] = {}
        self._reproduce: tuple[str, ...] = ()

    def run(self, tell: OnEvent) -> None:
        """Run every cell; whatever happens, each gets a result and the lab is removed."""
        try:
            for plan in self.group.cells:
                if self._stop.is_set():
                    return
                tell(CellStarted(plan.cell))
                result = self._run_cell(plan, tell)
                tell(CellDone(result, self._stored(result, tell)))
        finally:
            if not self.kept:
                self.give_up()

    def interrupt(self) -> None:
        """Remove the nodes under the running cell, so that it ends at once.

        The lab itself is closed by the thread that works on it, at the end of ``run``.
        """
        self._stop.set()
        lab = self._lab
        if lab is not None:
            lab.abandon()

    @property
    def kept(self) -> bool:
        """Whether the lab is to outlive its cells; one that never came up is no use to anybody."""
        came_up = self._lab is not None and bool(self._lab.identities)
        return self.group.keep and came_up and not self._stop.is_set()

    def reachable(self) -> tuple[str, ...]:
        """How to reach the kept lab."""
        return self._lab.reachable() if self._lab is not None else ()

    def give_up(self) -> str:
        """Remove the lab; what could not be undone, empty when all of it was. Idempotent."""
        lab, self._lab = self._lab, None
        try:
            if lab is not None:
                lab.close()
        except (PacslabError, OSError) as error:
            return str(error)
        return ""

    def _stored(self, result: CellResult, tell: OnEvent) -> CellResult | None:
        """Put the evidence on disk at once: a run that is killed later keeps it."""
        try:
            return write_cell(self.group.run.folder, result)
        except OSError as error:
            # Writing the record will meet the same obstacle and end the run with its reason.
            tell(Note(f"{result.cell.title}: evidence not written: {error}"))
            return None

    def _run_cell(self, plan: CellPlan, tell: OnEvent) -> CellResult:
        began = time.monotonic()
        phases: list[PhaseResult] = []
        verdict, reason = self._verdict(plan, phases, tell)
        last = plan is self.group.cells[-1]
        # After an error the lab's state is unknown: the next cell gets a new one.
        over = not self.kept if last else verdict is Verdict.ERROR
        if over and (left_over := self.give_up()):
            verdict, reason = Verdict.ERROR, "\n".join(filter(None, (reason, left_over)))
        return CellResult(
            cell=plan.cell,
            backend=self.group.run.backend.name,
            verdict=verdict,
            reason=reason,
            identities=self._identities,
            declared=plan.scenario.phases,
            phases=tuple(phases),
            reproduce=self._reproduce,
            folder=self.group.recorded_folder,
            seconds=round(time.monotonic() - began, 3),
        )

    def _verdict(
        self, plan: CellPlan, phases: list[PhaseResult], tell: OnEvent
    ) -> tuple[Verdict, str]:
        def on_phase(phase: PhaseResult) -> None:
            phases.append(phase)
            tell(PhaseDone(plan.cell, phase))

        run = self.group.run
        try:
            lab = self._healthy_lab(plan)
            maker = StudyMaker(
                lab.exchange,
                plan.scenario.study,
                seed=run.seed,
                cell=plan.cell.slug,
                own_files=run.own_files or _folder_of(plan.scenario),
            )
            return CellRun(plan, lab, maker, on_phase, self._check).run()
        except UnsupportedError as error:
            return Verdict.UNSUPPORTED, str(error)
        except Exception as error:  # noqa: BLE001  one cell's bug must not hide the others' results
            if self._stop.is_set():
                return Verdict.ERROR, _INTERRUPTED
            if isinstance(error, PacslabError):
                return Verdict.ERROR, _in_words(error)
            if is_full(error):
                return Verdict.ERROR, _FULL
            return Verdict.ERROR, f"{type(error).__name__}: {error}{self._keep_traceback()}"

    def _healthy_lab(self, plan: CellPlan) -> Lab:
        """A new lab, or the one of the cell before, healthy and empty again."""
        self._check()
        if self._lab is not None and _has_died(self._lab):
            self.give_up()
        if self._lab is None:
            return self._new_lab(plan)
        self._lab.enact(plan.states["baseline"])
        for archive in self._lab.archives.values():
            archive.empty()
        return self._lab

    def _new_lab(self, plan: CellPlan) -> Lab:
        self.group.folder.mkdir(parents=True, exist_ok=True)
        self._lab = lab = Lab(self.group.lab(plan), self.group.run.backend)
        self._check()  # whoever interrupted this group may not have seen the lab yet
        lab.start(plan.states["baseline"])
        self._identities = lab.identities
        self._reproduce = lab.reproduce()
        return lab

    def _keep_traceback(self) -> str:
        """Write the traceback of the error being handled; where it is, in words."""
        try:
            (self.group.folder / "error.txt").write_text(traceback.format_exc(), encoding="utf-8")
        except OSError as error:  # a full disk, most likely what went wrong in the first place
            return f" (no traceback kept: {error.strerror})"
        return " (traceback in error.txt)"

    def _check(self) -> None:
        if self._stop.is_set():
            raise InterruptedCellError(_INTERRUPTED)


def _has_died(lab: Lab) -> bool:
    """Whether a node ended after the cell before: not the next cell's fault."""
    try:
        lab.require_alive()
    except PacslabError:
        return True
    return False


def _folder_of(scenario: Scenario) -> Path | None:
    return Path(scenario.study.folder) if scenario.study.folder is not None else None


def _in_words(error: PacslabError) -> str:
    tail = error.log_tail if isinstance(error, LabError) else ()
    return "\n".join((str(error), *tail))
