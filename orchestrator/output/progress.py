"""Progress of a run: a live view on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from orchestrator.model.results import CellId, CellResult, PhaseResult, Verdict
from orchestrator.output.names import STYLES, counted, path_in_words, route_in_words, tally
from orchestrator.runs.request import Listener

_REFRESHES_PER_SECOND: Final = 8
_MARGIN_LINES: Final = 4
#: Verdicts that are worth a line while the run goes on.
_ALARMING: Final = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE})


#: Told a run's id and how to reach its lab, once the lab is kept.
WhenKept = Callable[[str, tuple[str, ...]], None]


class Progress(Listener, Protocol):
    """A listener that owns the screen while the run goes on."""

    def showing(self) -> AbstractContextManager[object]:
        """Enter before the run, leave after it."""


def progress(console: Console, when_kept: WhenKept) -> Progress:
    """The listener that fits ``console``."""
    kind = LiveProgress if console.is_terminal else PlainProgress
    return kind(console, when_kept)


class PlainProgress:
    """A line for each phase and each finished cell: reads well in a log."""

    def __init__(self, console: Console, when_kept: WhenKept) -> None:
        self._console = console
        self._when_kept = when_kept
        self._run = ""
        self._total = 0
        self._done = 0

    def showing(self) -> AbstractContextManager[object]:
        """Nothing to prepare."""
        return nullcontext()

    def run_started(self, run: str, cells: tuple[CellId, ...]) -> None:
        """Say how much is going to happen."""
        self._run, self._total = run, len(cells)
        self._print(f"run {run}: {counted(len(cells), 'cell')}")

    def note(self, text: str) -> None:
        """Pass it on."""
        self._print(f"note: {text}")

    def cell_started(self, cell: CellId) -> None:
        self._print(f"{_name(cell)}: starting")

    def phase_done(self, cell: CellId, phase: PhaseResult) -> None:
        unexpected = "" if phase.met else f" (expected: {' or '.join(phase.expected)})"
        words = phase.observation.words
        self._print(f"{_name(cell)}: {phase.name}: {words}{unexpected} [{phase.seconds:.1f} s]")

    def cell_done(self, result: CellResult) -> None:
        """Say the verdict and how many cells are done."""
        self._done += 1
        first, _, _ = result.reason.partition("\n")  # a log's tail follows at the run's end
        reason = f": {first}" if first else ""
        self._print(f"{_name(result.cell)}: {result.verdict}{reason} ({self._done}/{self._total})")

    def kept(self, reach: tuple[str, ...]) -> None:
        """Pass it on with the run's id."""
        self._when_kept(self._run, reach)

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)


@dataclass
class _Running:
    """A cell at work: what its last phase showed, when it started (monotonic seconds)."""

    cell: CellId
    since: float
    spinner: Spinner
    seen: list[str] = field(default_factory=list)
    step: str = "starting"


class LiveProgress:
    """A bar over all cells and a line for each one at work; it leaves only what matters behind."""

    def __init__(self, console: Console, when_kept: WhenKept) -> None:
        self._console = console
        self._when_kept = when_kept
        self._run = ""
        self._total = 0
        self._verdicts: Counter[Verdict] = Counter()
        self._running: dict[str, _Running] = {}
        self._live = Live(
            console=console,
            get_renderable=self._view,
            refresh_per_second=_REFRESHES_PER_SECOND,
            transient=True,
        )

    def showing(self) -> AbstractContextManager[object]:
        """The live view; it disappears at the end."""
        return self._live

    def run_started(self, run: str, cells: tuple[CellId, ...]) -> None:
        """Set the length of the bar."""
        self._run, self._total = run, len(cells)
        self._console.print(Text(f"run {run}: {counted(len(cells), 'cell')}", "dim"))

    def note(self, text: str) -> None:
        """Print it above the view, where it stays."""
        self._console.print(Text(f"note: {text}", "cyan"))

    def cell_started(self, cell: CellId) -> None:
        """Show a line for it."""
        self._running[cell.slug] = _Running(cell, time.monotonic(), Spinner("dots"))

    def phase_done(self, cell: CellId, phase: PhaseResult) -> None:
        if running := self._running.get(cell.slug):
            running.seen.append(f"{phase.name} {'✓' if phase.met else '✗'}")
            running.step = phase.observation.words

    def cell_done(self, result: CellResult) -> None:
        """Advance the bar; print a line that stays where the verdict is alarming."""
        self._running.pop(result.cell.slug, None)
        self._verdicts[result.verdict] += 1
        if result.verdict in _ALARMING:
            where = f"{result.cell.title}, {result.cell.route}: {route_in_words(result)}"
            line = Text.assemble((f"✗ {result.verdict} ", STYLES[result.verdict]), where)
            self._console.print(line)

    def kept(self, reach: tuple[str, ...]) -> None:
        """Pass it on with the run's id."""
        self._when_kept(self._run, reach)

    def _view(self) -> RenderableType:
        if not self._total:
            return Text("")
        done = sum(self._verdicts.values())
        overall = Table.grid(padding=(0, 1))
        bar = ProgressBar(total=self._total, completed=done, width=30)
        overall.add_row(bar, f"{done}/{self._total}", tally(self._verdicts))
        lines = Table.grid(padding=(0, 1))
        room = max(1, self._console.height - _MARGIN_LINES)
        running = list(self._running.values())
        for each in running[:room]:
            seconds = f"{time.monotonic() - each.since:4.0f} s"
            steps = " ".join(each.seen)
            lines.add_row(each.spinner, _name(each.cell), steps, Text(each.step, "dim"), seconds)
        hidden = len(running) - room
        more = [Text(f"and {counted(hidden, 'more cell')} at work", "dim")] if hidden > 0 else []
        return Group(lines, *more, overall)


def _name(cell: CellId) -> str:
    return f"{cell.title}, {cell.route}: {path_in_words(cell, {})}"
