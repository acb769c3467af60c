"""What happens in a run, told as it happens: to the screen, to the record, across a pipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.model.results import CellId, CellResult, PhaseResult


@dataclass(frozen=True)
class RunStarted:
    """Everything is parsed and validated; nothing has started yet."""

    run: str
    cells: tuple[CellId, ...]


@dataclass(frozen=True)
class Note:
    """Something the user should know (an edition chosen, remains of an old run removed)."""

    text: str


@dataclass(frozen=True)
class CellStarted:
    """The nodes of this cell are being started."""

    cell: CellId


@dataclass(frozen=True)
class PhaseDone:
    """One phase was observed."""

    cell: CellId
    phase: PhaseResult


@dataclass(frozen=True)
class CellDone:
    """The cell is finished, and torn down unless its lab goes on.

    ``stored`` is the result as ``run.json`` has it, None where its evidence is not on disk.
    """

    result: CellResult
    stored: CellResult | None = None


@dataclass(frozen=True)
class Kept:
    """The last lab stays up until the user ends the run; how to reach it, a line each."""

    run: str
    reach: tuple[str, ...]


Event = RunStarted | Note | CellStarted | PhaseDone | CellDone | Kept
#: Told what happens, from any thread.
OnEvent = Callable[[Event], None]
