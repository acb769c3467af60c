"""Progress of a run: a live view on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final, Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from orchestrator.model.events import CellDone, CellStarted, Event, Note, PhaseDone, RunStarted
from orchestrator.model.results import CellId, CellResult, Verdict
from orchestrator.output.names import STYLES, counted, path_in_words, route_in_words, tally

_REFRESHES_PER_SECOND: Final = 8
_MARGIN_LINES: Final = 4
#: Verdicts that are worth a line while the run goes on.
_ALARMING: Final = frozenset({Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE})


class Progress(Protocol):
    """Shows what happens in a run, and owns the screen while it goes on."""

    def __call__(self, event: Event) -> None:
        """Show it."""

    def showing(self) -> AbstractContextManager[object]:
        """Enter before the run, leave after it."""


def progress(console: Console) -> Progress:
    """The progress that fits ``console``."""
    return LiveProgress(console) if console.is_terminal else PlainProgress(console)


class PlainProgress:
    """A line for each phase and each finished cell: reads well in a log."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = 0
        self._done = 0

    def showing(self) -> AbstractContextManager[object]:
        """Nothing to prepare."""
        return nullcontext()

    def __call__(self, event: Event) -> None:
        """Print a line; a kept lab is for the run's end to tell."""
        match event:
            case RunStarted():
                self._total = len(event.cells)
                self._print(f"run {event.run}: {counted(self._total, 'cell')}")
            case Note():
                self._print(f"note: {event.text}")
            case CellStarted():
                self._print(f"{_name(event.cell)}: starting")
            case PhaseDone():
                self._print(_phase(event))
            case CellDone():
                self._done += 1
                self._print(f"{_verdict(event.result)} ({self._done}/{self._total})")

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

    def __init__(self, console: Console) -> None:
        self._console = console
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

    def __call__(self, event: Event) -> None:
        """Change the view; notes and alarming verdicts are printed above it, where they stay."""
        match event:
            case RunStarted():
                self._total = len(event.cells)
                self._console.print(Text(f"run {event.run}: {counted(self._total, 'cell')}", "dim"))
            case Note():
                self._console.print(Text(f"note: {event.text}", "cyan"))
            case CellStarted():
                running = _Running(event.cell, time.monotonic(), Spinner("dots"))
                self._running[event.cell.slug] = running
            case PhaseDone():
                self._phase_done(event)
            case CellDone():
                self._cell_done(event.result)

    def _phase_done(self, event: PhaseDone) -> None:
        phase = event.phase
        if running := self._running.get(event.cell.slug):
            running.seen.append(f"{phase.name} {'✓' if phase.met else '✗'}")
            running.step = phase.observation.words

    def _cell_done(self, result: CellResult) -> None:
        self._running.pop(result.cell.slug, None)
        self._verdicts[result.verdict] += 1
        if result.verdict in _ALARMING:
            where = f"{result.cell.title}, {result.cell.route}: {route_in_words(result)}"
            line = Text.assemble((f"✗ {result.verdict} ", STYLES[result.verdict]), where)
            self._console.print(line)

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


def _phase(event: PhaseDone) -> str:
    phase = event.phase
    unexpected = "" if phase.met else f" (expected: {' or '.join(phase.expected.words)})"
    words = phase.observation.words
    return f"{_name(event.cell)}: {phase.name}: {words}{unexpected} [{phase.seconds:.1f} s]"


def _verdict(result: CellResult) -> str:
    first, _, _ = result.reason.partition("\n")  # a log's tail follows at the run's end
    reason = f": {first}" if first else ""
    return f"{_name(result.cell)}: {result.verdict}{reason}"
