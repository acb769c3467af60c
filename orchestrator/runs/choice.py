"""What a request means on this machine: where it runs, and which cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from orchestrator.backends.base import BACKENDS, Backend
from orchestrator.errors import EnvironmentProblemError, InputError
from orchestrator.lab.study import require_dicom
from orchestrator.model.events import Note, OnEvent
from orchestrator.runs.plan import CellPlan, UnsupportedCell, plan_all
from orchestrator.runs.request import RunRequest
from orchestrator.scenarios.loader import read_folder
from orchestrator.scenarios.selection import SITE_PREFIX, cells_of, select, select_stacks
from orchestrator.stacks.base import STACKS, Stack
from orchestrator.stacks.external.stack import load_site


@dataclass(frozen=True)
class Choice:
    """The backend, and every cell that was asked for, in order."""

    backend: Backend
    cells: tuple[CellPlan | UnsupportedCell, ...]


def choose(request: RunRequest, tell: OnEvent) -> Choice:
    """Read, check and plan everything that ``request`` names; nothing is started.

    Raises:
        InputError: something in the request or a scenario is wrong.
        EnvironmentProblemError: this machine can't do it.
    """
    read = read_folder(scenario_folder())
    scenarios = select(read.scenarios, request.names, read.broken)
    if request.study is not None:
        require_dicom(request.study)
    backend = choose_backend(request, tell)
    names = select_stacks(request.stacks)
    stacks = _stacks(names, request)
    cells: list[CellPlan | UnsupportedCell] = []
    left_out: list[str] = []
    for scenario in scenarios:
        selected = cells_of(scenario, names)
        cells += plan_all(scenario, selected.cells, backend, stacks)
        left_out += selected.left_out
    if not cells:
        raise InputError("\n".join(("no cell to run:", *left_out)))
    for broken in read.broken:
        tell(Note(f"not in this run, but wrong ('pacslab validate' says why): {broken.file}"))
    for line in left_out:
        tell(Note(f"left out: {line}"))
    return Choice(backend, tuple(cells))


def scenario_folder() -> Path:
    """``./scenarios`` of the current folder, else the repository's."""
    here = Path("scenarios")
    return here if here.is_dir() else Path(__file__).resolve().parents[2] / "scenarios"


def choose_backend(request: RunRequest, tell: OnEvent) -> Backend:
    """The backend that was asked for, or Docker where it can be used.

    Raises:
        EnvironmentProblemError: the one that was asked for can't be used.
    """
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
