"""A whole run: its cells side by side, its record, and an end in order."""

from __future__ import annotations

import os
import platform
import secrets
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from orchestrator import __version__
from orchestrator.errors import EnvironmentProblemError
from orchestrator.machine import processes
from orchestrator.machine.stopping import LONGEST_SLEEP, raise_if_told, unstoppable
from orchestrator.model.events import CellDone, Event, Kept, Note, OnEvent, RunStarted
from orchestrator.model.results import RunResult
from orchestrator.records.folders import new_run, prune, run_over
from orchestrator.records.writer import RecordWriter
from orchestrator.runs import remains
from orchestrator.runs.choice import Choice, choose
from orchestrator.runs.forks import WorkerProcesses, can_fork
from orchestrator.runs.group_run import GroupRun
from orchestrator.runs.groups import RunPlan, grouped
from orchestrator.runs.plan import CellPlan, UnsupportedCell
from orchestrator.runs.request import RunRequest, UnrecordedRunError
from orchestrator.runs.workers import Workers, WorkerThreads, stopped_by

#: Most of a cell's time is waiting (time-outs, processes that start), so local cells outnumber
#: the cores; containers are heavier.
_WORKERS: Final[Mapping[str, int]] = {"local": 6, "docker": 2}


def execute(request: RunRequest, tell: OnEvent) -> RunResult:
    """Run everything that ``request`` names and write the record.

    A KeyboardInterrupt ends the run in order: labs are torn down, the record says so.

    Raises:
        InputError: something in the request or a scenario is wrong; nothing was started.
        EnvironmentProblemError: this machine can't do it; nothing was started.
        UnrecordedRunError: the run is over, but its record could not be written.
    """
    choice = choose(request, tell)
    for line in remains.sweep(containers=choice.backend.name == "docker"):
        tell(Note(f"removed what a killed run left: {line}"))
    with unstoppable() as noted:
        folder = new_run(request.runs)
    try:
        noted.raise_if_stopped()
        return _Run(request, tell, choice, folder).execute()
    finally:
        with unstoppable():
            with suppress(OSError):  # a run that never began has nothing in its folder
                folder.rmdir()
            run_over(folder)
            prune(request.runs)


class _Run:
    """One run at work: hears what its workers tell, keeps the record, and passes it on."""

    def __init__(self, request: RunRequest, tell: OnEvent, choice: Choice, folder: Path) -> None:
        self._request = request
        self._choice = choice
        seed = request.seed if request.seed is not None else secrets.randbits(31)
        self._plan = RunPlan(folder.name, folder, choice.backend, seed, request.study)
        chosen = tuple(each.cell for each in choice.cells)
        refused = (
            cell.result(choice.backend)
            for cell in choice.cells
            if isinstance(cell, UnsupportedCell)
        )
        self._record = RecordWriter(folder, _head(request, self._plan), chosen, refused)
        self._pass_on = tell
        self._hearing = threading.Lock()
        self._stop = threading.Event()
        self._tell(RunStarted(folder.name, chosen))

    def execute(self) -> RunResult:
        """Run every cell, record it, and hold the last lab if asked to."""
        plans = [cell for cell in self._choice.cells if isinstance(cell, CellPlan)]
        groups = grouped(plans, self._plan, keep=self._request.keep)
        runs = [GroupRun(group, self._stop) for group in groups]
        cut_short, failure = self._work(runs)
        result = self._record.finish(cut_short)
        try:
            with unstoppable() as noted:
                self._write(result)
            if failure is not None:
                raise failure
            kept = [run for run in runs if run.kept]
            if kept and not cut_short and not noted.stopped:
                self._hold(kept)
        except KeyboardInterrupt:
            self._tell(Note("ending the lab"))
        finally:
            for run in runs:
                if left_over := run.give_up():
                    self._tell(Note(left_over))
        return result

    def _tell(self, event: Event) -> None:
        """Hear one event at a time, from any thread."""
        with self._hearing:
            if isinstance(event, CellDone):
                self._record.add(event)
            self._pass_on(event)

    def _work(self, runs: Sequence[GroupRun]) -> tuple[str, BaseException | None]:
        """Run all groups.

        Returns:
            Why that was cut short, empty when it was not; and the error that did it, if one did.
        """
        try:
            self._record.begin()
            return self._workers(len(runs)).work(runs, self._tell), None
        except KeyboardInterrupt as stop:
            return stopped_by(stop), None
        except BaseException as error:  # noqa: BLE001  recorded first, then raised
            return f"ended by {type(error).__name__}: {error}", error

    def _write(self, result: RunResult) -> None:
        try:
            notes = self._record.write(result, spare_studies=self._request.keep)
        except EnvironmentProblemError as error:
            raise UnrecordedRunError(str(error), result) from error
        for note in notes:
            self._tell(Note(note))

    def _workers(self, groups: int) -> Workers:
        """Several processes where that is faster and no lab has to outlive its cells."""
        backend = self._plan.backend
        workers = self._request.workers or _WORKERS.get(backend.name, 1)
        cores = min(os.cpu_count() or 1, workers, groups)
        if backend.shares_labs or self._request.keep or cores < 2 or not can_fork():
            return WorkerThreads(workers)
        return WorkerProcesses(cores, -(-workers // cores))

    def _hold(self, runs: Sequence[GroupRun]) -> None:
        """Keep the last lab until the user ends it, by a KeyboardInterrupt."""
        processes.register_run(self._plan.name, kept=True)
        for run in runs:
            self._tell(Kept(self._plan.name, run.reachable()))
        while not self._stop.wait(LONGEST_SLEEP):
            raise_if_told()


def _head(request: RunRequest, plan: RunPlan) -> RunResult:
    """A run without its cells, now that it starts."""
    return RunResult(
        run=plan.name,
        pacslab=__version__,
        command=_command(request, plan),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        finished="",
        state="running",
        host={
            "system": platform.platform(),
            "python": platform.python_version(),
            "machine": platform.machine(),
        },
        seed=plan.seed,
        cells=(),
    )


def _command(request: RunRequest, plan: RunPlan) -> tuple[str, ...]:
    words = ["pacslab", "run", *request.names, "--backend", plan.backend.name]
    for stack in request.stacks:
        words += ["--stack", stack]
    if request.study is not None:
        words += ["--study", str(request.study)]
    if request.allow_config:
        words.append("--allow-config")
    return (*words, "--seed", str(plan.seed))
