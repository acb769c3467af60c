"""The table at a run's end: a row a cell, a column a phase, grouped by scenario.

Wide consoles (from ``_WIDE`` columns) show the native settings that were broken in a column of
their own, narrower ones on a line of their own below the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style
from rich.table import Table
from rich.text import Text

from orchestrator.model.results import CellResult, PhaseResult
from orchestrator.model.scenario import PHASES, PhaseName
from orchestrator.output.names import STYLES, route_in_words

_WIDE: Final = 150
_GAP: Final = 2
_INDENT: Final = "  "
#: No column but the verdict's may be narrower than this, nor needs to be wider than that.
_NARROWEST, _WIDEST = 10, 76


@dataclass(frozen=True)
class ResultTable:
    """A rich renderable for ``cells``."""

    cells: Sequence[CellResult]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the header, then each scenario's title and rows."""
        del console
        wide = options.max_width >= _WIDE
        phases = [name for name in PHASES if any(cell.phase(name) for cell in self.cells)]
        header = [f"{_INDENT}route", *phases, "verdict", *(["broken setting"] if wide else [])]
        rows = [(cell, _row(cell, phases, wide=wide)) for cell in self.cells]
        widths = _widths([[Text(title) for title in header], *(row for _, row in rows)], options)
        bold = Style(bold=True)
        yield _line([Text(title, bold) for title in header], widths)
        yield Text("─" * min(options.max_width, sum(widths) + _GAP * (len(widths) - 1)), "dim")
        for title, group in groupby(rows, key=lambda row: row[0].cell.title):
            yield Text(title, bold)
            for cell, row in group:
                yield _line(row, widths)
                if not wide:
                    yield from (_below(line) for line in broken_settings(cell))


def broken_settings(result: CellResult) -> tuple[str, ...]:
    """The vendors' own settings that the fault changed, a line each."""
    fault = result.phase("fault")
    return tuple(str(change) for change in fault.changes) if fault else ()


def _row(result: CellResult, phases: Sequence[PhaseName], *, wide: bool) -> list[Text]:
    row = [Text(f"{_INDENT}{result.cell.route}: {route_in_words(result)}")]
    row += [_outcome(result.phase(name)) for name in phases]
    row.append(Text(result.verdict.value, STYLES[result.verdict]))
    if wide:
        row.append(Text("\n".join(broken_settings(result)), "dim"))
    return row


def _outcome(phase: PhaseResult | None) -> Text:
    if phase is None:
        return Text("–", "dim")
    words = phase.observation.words
    if not phase.met:
        return Text(f"✗ {words}", "red")
    return Text(words, "" if phase.observation.outcome.succeeded else "yellow")


def _widths(rows: Sequence[Sequence[Text]], options: ConsoleOptions) -> list[int]:
    """Natural widths, the widest column narrowed until the row fits."""
    natural = [
        max(cell_len(line) for text in column for line in text.plain.split("\n"))
        for column in zip(*rows, strict=True)
    ]
    widths = [min(width, _WIDEST) for width in natural]
    available = options.max_width - _GAP * (len(widths) - 1)
    while sum(widths) > available and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return widths


def _line(row: Sequence[Text], widths: Sequence[int]) -> Table:
    line = Table.grid(padding=(0, _GAP, 0, 0))
    for width in widths:
        line.add_column(width=width, overflow="fold")
    # Continuation lines of a route stay below the route, not below the scenario's title.
    first, *others = row
    line.add_row(_hanging(first, widths[0]), *others)
    return line


def _hanging(text: Text, width: int) -> Text:
    if cell_len(text.plain) <= width:
        return text
    words, lines = text.plain.split(), [_INDENT]
    for word in words:
        separator = "" if lines[-1].isspace() else " "
        if lines[-1].isspace() or cell_len(f"{lines[-1]} {word}") <= width:
            lines[-1] += separator + word
        else:
            lines.append(_INDENT * 2 + word)
    return Text("\n".join(lines), text.style)


def _below(line: str) -> Table:
    grid = Table.grid(padding=(0, 0))
    grid.add_column(width=2 * len(_INDENT))
    grid.add_column(overflow="fold")
    grid.add_row("", Text(f"broken: {line}", "dim"))
    return grid
