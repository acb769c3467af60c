"""Many cells: choosing, planning, running side by side, recording, and ending cleanly."""

from __future__ import annotations

import os
import platform
import secrets
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from orchestrator import __version__, processes, remains
from orchestrator.backends.base import BACKENDS, Backend
from orchestrator.cells import Bench, Outlook, benches_of, plan_all
from orchestrator.crew import Crew, ForkCrew, ThreadCrew, can_fork
from orchestrator.errors import EnvironmentProblemError, InputError
from orchestrator.records.folders import new_run, prune, run_over
from orchestrator.records.record import write_run
from orchestrator.request import Listener, RunRequest
from orchestrator.results import CellId, CellResult, PhaseResult, RunResult
from orchestrator.scenario_loader import load_all
from orchestrator.selection import SITE_PREFIX, cells_of, select, select_stacks
from orchestrator.stacks.base import STACKS, Stack
from orchestrator.stacks.external import load_site

#: Most of a cell's time is waiting (time-outs, processes that start), so local cells outnumber
#: the cores; containers are heavier.
_WORKERS: Final[Mapping[str, int]] = {"local": 6, "docker": 2}
_INTERRUPTED: Final = "stopped by the user; cells that had not finished are not in this record"


def execute(request: RunRequest, listener: Listener) -> RunResult:
    """Run everything that ``request`` names and write the record.

    A KeyboardInterrupt ends the run in order: labs are torn down, the record says so.

    Raises:
        InputError: something in the request or a scenario is wrong; nothing was started.
        EnvironmentProblemError: this machine can't do it; nothing was started.
    """
    scenarios = select(load_all(scenario_folder()), request.names)
    backend = _backend(request, listener)
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
    for line in left_out:
        listener.note(f"left out: {line}")
    for line in remains.sweep(containers=backend.name == "docker"):
        listener.note(f"removed what a killed run left: {line}")
    folder = new_run(request.runs)
    processes.register_run(folder.name)
    try:
        return _Run(request, listener, backend, folder).execute(outlooks)
    finally:
        processes.unregister_run(folder.name)
        run_over(folder)
        prune(request.runs)


def scenario_folder() -> Path:
    """``./scenarios`` of the current folder, else the repository's."""
    here = Path("scenarios")
    return here if here.is_dir() else Path(__file__).resolve().parent.parent / "scenarios"


class _Run:
    """One run at work. Cells run in worker threads; this object is what they share."""

    def __init__(
        self, request: RunRequest, listener: Listener, backend: Backend, folder: Path
    ) -> None:
        self._request = request
        self._listener = _OneAtATime(listener)
        self._backend = backend
        self._folder = folder
        self._seed = request.seed if request.seed is not None else secrets.randbits(31)
        self._stop = threading.Event()

    def execute(self, outlooks: list[Outlook]) -> RunResult:
        began = datetime.now(UTC)
        benches = benches_of(
            outlooks,
            self._backend,
            run=self._folder.name,
            folder=self._folder,
            seed=self._seed,
            own_files=self._request.study,
            stop=self._stop,
            listener=self._listener,
        )
        crew = self._crew(benches)
        self._listener.run_started(self._folder.name, tuple(each.cell for each in outlooks))
        if self._request.keep and benches:
            benches[-1].keep = True
        interrupted = "" if crew.work(benches) else _INTERRUPTED
        results = {result.cell.slug: result for bench in benches for result in bench.results}
        for outlook in outlooks:
            if outlook.plan is None:
                results[outlook.cell.slug] = outlook.refusal(self._backend.name)
        ordered = tuple(results[each.cell.slug] for each in outlooks if each.cell.slug in results)
        result = RunResult(
            run=self._folder.name,
            pacslab=__version__,
            command=self._command(),
            started=began.isoformat(timespec="seconds"),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            host=_host(),
            seed=self._seed,
            cells=ordered,
            interrupted=interrupted,
        )
        written = {slug: cell for bench in benches for slug, cell in bench.written.items()}
        write_run(self._folder, result, written)
        if self._request.keep and not interrupted:
            self._hold(benches[-1:])
        return result

    def _crew(self, benches: list[Bench]) -> Crew:
        """Several processes where that is faster and no lab has to outlive its cells."""
        workers = self._request.workers or _WORKERS.get(self._backend.name, 1)
        cores = min(os.cpu_count() or 1, workers, len(benches))
        if self._backend.shares_labs or self._request.keep or cores < 2 or not can_fork():
            return ThreadCrew(workers)
        return ForkCrew(benches, cores, -(-workers // cores), self._listener)

    def _hold(self, benches: list[Bench]) -> None:
        """Keep the last lab until the user ends it."""
        processes.register_run(self._folder.name, kept=True)
        try:
            for bench in benches:
                self._listener.kept(bench.reachable())
            self._stop.wait()
        except KeyboardInterrupt:
            self._listener.note("ending the lab")
        finally:
            for bench in benches:
                bench.close()

    def _command(self) -> tuple[str, ...]:
        request = self._request
        words = ["pacslab", "run", *request.names, "--backend", self._backend.name]
        for stack in request.stacks:
            words += ["--stack", stack]
        if request.study is not None:
            words += ["--study", str(request.study)]
        return (*words, "--seed", str(self._seed))


class _OneAtATime:
    """A listener that lets one thread through at a time."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._lock = threading.Lock()

    def run_started(self, run: str, cells: tuple[CellId, ...]) -> None:
        with self._lock:
            self._listener.run_started(run, cells)

    def note(self, text: str) -> None:
        with self._lock:
            self._listener.note(text)

    def cell_started(self, cell: CellId) -> None:
        with self._lock:
            self._listener.cell_started(cell)

    def phase_done(self, cell: CellId, phase: PhaseResult) -> None:
        with self._lock:
            self._listener.phase_done(cell, phase)

    def cell_done(self, result: CellResult) -> None:
        with self._lock:
            self._listener.cell_done(result)

    def kept(self, reach: tuple[str, ...]) -> None:
        with self._lock:
            self._listener.kept(reach)


def _backend(request: RunRequest, listener: Listener) -> Backend:
    if request.backend != "auto":
        backend = BACKENDS[request.backend]
        problem = backend.unavailable()
        if problem is not None:
            raise EnvironmentProblemError(f"the {backend.name} backend can't be used: {problem}")
        return backend
    docker = BACKENDS["docker"]
    why_not = docker.unavailable()
    if why_not is None and docker.has("orthanc", None) is None:
        why_not = "its images are not here; 'make images' builds them"
    if why_not is None and not any(name.startswith(SITE_PREFIX) for name in request.stacks):
        return docker
    listener.note(f"running without Docker: {why_not}")
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
