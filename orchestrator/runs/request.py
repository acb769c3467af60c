"""What a user asks of a run, and what carries it out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from orchestrator.errors import EnvironmentProblemError
from orchestrator.model.events import OnEvent
from orchestrator.model.results import RunResult

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


class Execute(Protocol):
    """Runs a request: ``orchestrator.runs.suite.execute``, or a fake of it.

    The record is written before ``Kept`` is told and before it returns. Events are told one at a
    time, from any thread. A ``KeyboardInterrupt``
    in the main thread stops it: labs are torn down, the record is written with ``interrupted``
    set, and the result so far is returned; while a lab is kept it only ends that lab.

    Raises:
        PacslabError: nothing could be started.
        UnrecordedRunError: the run is over but can't be recorded.
        KeyboardInterrupt: it was stopped before there was anything to record.
    """

    def __call__(self, request: RunRequest, tell: OnEvent) -> RunResult:
        """Run it."""
