"""What a user asks of a run, and how a run tells what it is doing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from orchestrator.errors import EnvironmentProblemError
from orchestrator.model.results import CellId, CellResult, PhaseResult, RunResult

BackendChoice = Literal["auto", "docker", "local"]


@dataclass(frozen=True)
class RunRequest:
    """A run as asked for on the command line.

    ``names`` are scenario names, categories or globs; ``stacks`` limits archive roles to these
    (names, or ``@file`` for an external archive). ``study`` is a folder of DICOM files to send
    instead of the simulated study. ``workers`` None chooses by backend. ``keep`` leaves the lab
    of the last cell running in its last phase. ``seed`` makes the simulated studies repeatable;
    None draws one, so that two runs never send the same UIDs.
    """

    names: tuple[str, ...]
    stacks: tuple[str, ...] = ()
    backend: BackendChoice = "auto"
    keep: bool = False
    study: Path | None = None
    workers: int | None = None
    runs: Path = Path("runs")
    allow_config: bool = False
    seed: int | None = None


class UnrecordedRunError(EnvironmentProblemError):
    """A run is over but its record could not be written; ``result`` is what it would say."""

    def __init__(self, message: str, result: RunResult) -> None:
        super().__init__(message)
        self.result = result


class Listener(Protocol):
    """Told what happens, from any thread, one call at a time."""

    def run_started(self, run: str, cells: tuple[CellId, ...]) -> None:
        """Everything is parsed and validated; nothing has started yet."""

    def note(self, text: str) -> None:
        """Something the user should know (an edition chosen, remains of an old run removed)."""

    def cell_started(self, cell: CellId) -> None:
        """The nodes of this cell are being started."""

    def phase_done(self, cell: CellId, phase: PhaseResult) -> None:
        """One phase was observed."""

    def cell_done(self, result: CellResult) -> None:
        """The cell is finished and torn down."""

    def kept(self, reach: tuple[str, ...]) -> None:
        """The last lab stays up until the user ends the run; how to reach it, a line each."""


class Engine(Protocol):
    """Runs a request: ``orchestrator.runs.suite.execute``, or a fake of it.

    The record is written before ``kept`` is told and before it returns. A ``KeyboardInterrupt``
    in the main thread stops it: labs are torn down, the record is written with ``interrupted``
    set, and the result so far is returned; while a lab is kept it only ends that lab.

    Raises:
        PacslabError: nothing could be started.
        UnrecordedRunError: the run is over but can't be recorded.
        KeyboardInterrupt: it was stopped before there was anything to record.
    """

    def __call__(self, request: RunRequest, listener: Listener) -> RunResult:
        """Run it."""
