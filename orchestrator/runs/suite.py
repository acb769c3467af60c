"""Many cells: choosing, planning, running side by side, recording, and ending cleanly."""

from __future__ import annotations

import os
import platform
import secrets
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from orchestrator import __version__
from orchestrator.backends.base import BACKENDS, Backend
from orchestrator.errors import EnvironmentProblemError, InputError
from orchestrator.lab.study import require_dicom
from orchestrator.machine import processes
from orchestrator.machine.stopping import LONGEST_SLEEP, raise_if_told, unstoppable
from orchestrator.model.events import Event, Kept, Note, OnEvent, RunStarted
from orchestrator.model.results import CellResult, RunResult
from orchestrator.records.folders import new_run, prune, run_over
from orchestrator.records.full_disk import is_full, make_room
from orchestrator.records.record import without_evidence, write_run
from orchestrator.runs import remains
from orchestrator.runs.cell import Bench, Outlook, benches_of, plan_all
from orchestrator.runs.crew import Crew, ForkCrew, ThreadCrew, can_fork, stopped_by
from orchestrator.runs.request import RunRequest, UnrecordedRunError
from orchestrator.scenarios.loader import read_folder
from orchestrator.scenarios.selection import SITE_PREFIX, cells_of, select, select_stacks
from orchestrator.stacks.base import STACKS, Stack
from orchestrator.stacks.external.stack import load_site

#: Most of a cell's time is waiting (time-outs, processes that start), so local cells outnumber
#: the cores; containers are heavier.
_WORKERS: Final[Mapping[str, int]] = {"local": 6, "docker": 2}


def execute(request: RunRequest, tell: OnEvent) -> RunResult:
    """Run everything that ``request`` names and write the record.

    A KeyboardInterrupt ends the run in order: labs are torn down, the record says so.

    Raises:
        InputError: something in the request or a scenario is wrong; nothing was started.
        EnvironmentProblemError: this machine can't do it; nothing was started.
    """
    shelf = read_folder(scenario_folder())
    scenarios = select(shelf.scenarios, request.names, shelf.broken)
    if request.study is not None:
        require_dicom(request.study)
    backend = _backend(request, tell)
    names = select_stacks(request.stacks)
    stacks = _stacks(names, request)
    outlooks: list[Outlook] = []
    left_out: list[str] = []
    for scenario in scenarios:
        cells = cells_of(scenario, names)
        outlooks += plan_all(scenario, cells.cells, backend, stacks)
        left_out += cells.left_out
    if not outlooks:
        raise InputError("\n".join(("no cell to run:", *left_out)))
    for broken in shelf.broken:
        tell(Note(f"not in this run, but wrong ('pacslab validate' says why): {broken.file}"))
    for line in left_out:
        tell(Note(f"left out: {line}"))
    for line in remains.sweep(containers=backend.name == "docker"):
        tell(Note(f"removed what a killed run left: {line}"))
    with unstoppable() as noted:
        folder = new_run(request.runs)
    try:
        noted.raise_if_stopped()
        return _Run(request, tell, backend, folder).execute(outlooks)
    finally:
        with unstoppable():
            with suppress(OSError):  # a run that never began has nothing in its folder
                folder.rmdir()
            run_over(folder)
            prune(request.runs)


def scenario_folder() -> Path:
    """``./scenarios`` of the current folder, else the repository's."""
    here = Path("scenarios")
    return here if here.is_dir() else Path(__file__).resolve().parents[2] / "scenarios"


class _Run:
    """One run at work. Cells run in worker threads; this object is what they share."""

    def __init__(self, request: RunRequest, tell: OnEvent, backend: Backend, folder: Path) -> None:
        self._request = request
        self._tell = _one_at_a_time(tell)
        self._backend = backend
        self._folder = folder
        self._seed = request.seed if request.seed is not None else secrets.randbits(31)
        self._stop = threading.Event()

    def execute(self, outlooks: list[Outlook]) -> RunResult:
        began = datetime.now(UTC)
        self._tell(RunStarted(self._folder.name, tuple(each.cell for each in outlooks)))
        benches = benches_of(
            outlooks,
            self._backend,
            run=self._folder.name,
            folder=self._folder,
            seed=self._seed,
            own_files=self._request.study,
            stop=self._stop,
            tell=self._tell,
        )
        if self._request.keep and benches:
            benches[-1].keep = True
        cut_short, failure = self._work(benches)
        result = self._result(outlooks, benches, began, cut_short)
        try:
            with unstoppable() as noted:
                self._record(result, benches)
            if failure is not None:
                raise failure
            kept = [bench for bench in benches if bench.kept]
            if kept and not cut_short and not noted.stopped:
                self._hold(kept)
        except KeyboardInterrupt:
            self._tell(Note("ending the lab"))
        finally:
            for bench in benches:
                if left_over := bench.give_up():
                    self._tell(Note(left_over))
        return result

    def _work(self, benches: list[Bench]) -> tuple[str, BaseException | None]:
        """Run all benches.

        Returns:
            Why that was cut short, empty when it was not; and the error that did it, if one did.
        """
        try:
            return self._crew(benches).work(benches), None
        except KeyboardInterrupt as stop:
            return stopped_by(stop), None
        except BaseException as error:  # noqa: BLE001  recorded first, then raised
            return f"ended by {type(error).__name__}: {error}", error

    def _result(
        self, outlooks: list[Outlook], benches: list[Bench], began: datetime, cut_short: str
    ) -> RunResult:
        results = {result.cell.slug: result for bench in benches for result in bench.results}
        for outlook in outlooks:
            if outlook.plan is None:
                results[outlook.cell.slug] = outlook.refusal(self._backend.name)
        ordered = tuple(results[each.cell.slug] for each in outlooks if each.cell.slug in results)
        left = len(outlooks) - len(ordered)
        if cut_short and left:
            cut_short += f"; {left} of {len(outlooks)} cells were not begun"
        return RunResult(
            run=self._folder.name,
            pacslab=__version__,
            command=self._command(),
            started=began.isoformat(timespec="seconds"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            host=_host(),
            seed=self._seed,
            cells=ordered,
            interrupted=cut_short,
        )

    def _record(self, result: RunResult, benches: list[Bench]) -> None:
        """Write the record; on a full disk at the expense of what is less worth having.

        Raises:
            UnrecordedRunError: it can't be written at all.
        """
        written = {slug: cell for bench in benches for slug, cell in bench.written.items()}
        try:
            write_run(self._folder, result, written)
        except EnvironmentProblemError as error:
            if not is_full(error):
                raise UnrecordedRunError(str(error), result) from error
            self._record_on_full_disk(result, written)

    def _record_on_full_disk(self, result: RunResult, written: dict[str, CellResult]) -> None:
        if not self._request.keep and make_room(self._folder):
            self._tell(Note("the disk is full: the record does without the studies sent"))
            with suppress(EnvironmentProblemError):
                write_run(self._folder, result, written)
                return
        bare = {cell.cell.slug: without_evidence(cell) for cell in result.cells}
        try:
            write_run(self._folder, result, {**bare, **written})
        except EnvironmentProblemError as error:
            raise UnrecordedRunError(str(error), result) from error
        missing = sorted(bare.keys() - written.keys())
        self._tell(Note(f"the disk is full: there is no evidence of {', '.join(missing)}"))

    def _crew(self, benches: list[Bench]) -> Crew:
        """Several processes where that is faster and no lab has to outlive its cells."""
        workers = self._request.workers or _WORKERS.get(self._backend.name, 1)
        cores = min(os.cpu_count() or 1, workers, len(benches))
        if self._backend.shares_labs or self._request.keep or cores < 2 or not can_fork():
            return ThreadCrew(workers)
        return ForkCrew(cores, -(-workers // cores), self._tell)

    def _hold(self, benches: list[Bench]) -> None:
        """Keep the last lab until the user ends it, by a KeyboardInterrupt."""
        processes.register_run(self._folder.name, kept=True)
        for bench in benches:
            self._tell(Kept(self._folder.name, bench.reachable()))
        while not self._stop.wait(LONGEST_SLEEP):
            raise_if_told()

    def _command(self) -> tuple[str, ...]:
        request = self._request
        words = ["pacslab", "run", *request.names, "--backend", self._backend.name]
        for stack in request.stacks:
            words += ["--stack", stack]
        if request.study is not None:
            words += ["--study", str(request.study)]
        if request.allow_config:
            words.append("--allow-config")
        return (*words, "--seed", str(self._seed))


def _one_at_a_time(tell: OnEvent) -> OnEvent:
    """``tell`` for one thread at a time."""
    lock = threading.Lock()

    def tell_alone(event: Event) -> None:
        with lock:
            tell(event)

    return tell_alone


def _backend(request: RunRequest, tell: OnEvent) -> Backend:
    if request.backend != "auto":
        backend = BACKENDS[request.backend]
        problem = backend.unavailable()
        if problem is not None:
            raise EnvironmentProblemError(f"the {backend.name} backend can't be used: {problem}")
        return backend
    docker = BACKENDS["docker"]
    if any(name.startswith(SITE_PREFIX) for name in request.stacks):
        why_not: str | None = (
            "an archive that already runs is reached from this machine, and the lab's container"
            " network reaches nothing outside"
        )
    else:
        why_not = docker.unavailable()
        if why_not is None and docker.has("orthanc", None) is None:
            why_not = "its images are not here; 'make images' builds them"
    if why_not is None:
        return docker
    tell(Note(f"running without Docker: {why_not}"))
    return BACKENDS["local"]


def _stacks(names: tuple[str, ...], request: RunRequest) -> dict[str, Stack]:
    """The chosen stacks by the name that the user gave them; sites are read from their files."""
    return {
        name: load_site(Path(name[1:]), allow_config=request.allow_config)
        if name.startswith(SITE_PREFIX)
        else STACKS[name]
        for name in names
    }


def _host() -> dict[str, str]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
