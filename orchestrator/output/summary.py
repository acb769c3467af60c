"""What a run's end says: the table, what was not as declared and why, and where the record is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill, indent
from typing import Final

from rich.console import Console
from rich.text import Text

from orchestrator.output.console import put
from orchestrator.output.explanation import explain
from orchestrator.output.names import STYLES, counted, route_in_words, tally
from orchestrator.output.table import ResultTable
from orchestrator.records.folders import RECORD
from orchestrator.records.record import cell_folder
from orchestrator.results import CellResult, RunResult, Verdict

_INDENT: Final = "    "
#: Where the text of an explanation begins, after its label.
_HANGING: Final = " " * 12
_EXPLAINED: Final = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)
#: Explanations printed in full; the rest are in the record.
_MOST_EXPLAINED: Final = 10
#: Cells named for each reason why something is unsupported.
_MOST_NAMED: Final = 4


def print_summary(
    console: Console, result: RunResult, folder: Path, *, recorded: bool = True
) -> None:
    """Print everything about a finished run whose record is, if ``recorded``, in ``folder``."""
    if result.cells:
        put(console, ResultTable(result.cells))
    failing = [cell for cell in result.cells if cell.verdict in _EXPLAINED]
    for cell in failing[:_MOST_EXPLAINED]:
        console.print()
        _print_explanation(console, cell, folder)
    if len(failing) > _MOST_EXPLAINED:
        more = counted(len(failing) - _MOST_EXPLAINED, "more cell")
        console.print(f"\n{more} not as declared: see 'pacslab show {result.run}'")
    for line in _unsupported(result.cells):
        console.print(Text(line, STYLES[Verdict.UNSUPPORTED]))
    console.print()
    if result.interrupted:
        console.print(Text(f"cut short: {result.interrupted}", "bold red"))
    console.print(_total(result))
    if recorded:
        console.print(f"record: {folder / RECORD}", soft_wrap=True)


def print_reach(console: Console, reach: Sequence[str]) -> None:
    """Say how to reach a lab that was kept, and how to end it."""
    console.print("\nthe lab of the last cell is still running:")
    for line in reach:
        console.print(f"  {line}", soft_wrap=True)
    console.print("  end it with: pacslab clean (or make clean)")


def _print_explanation(console: Console, result: CellResult, folder: Path) -> None:
    name = f"{result.cell.title}, {result.cell.route}: {route_in_words(result)}"
    console.print(Text.assemble((f"✗ {result.verdict} ", STYLES[result.verdict]), (name, "bold")))
    for line in explain(result):
        if console.is_terminal:
            room = console.width - len(_INDENT)
            line = fill(line, room, subsequent_indent=_HANGING, replace_whitespace=False)
        console.print(Text(indent(line, _INDENT)), soft_wrap=True)
    console.print(f"    record    {cell_folder(folder, result)}", soft_wrap=True)


def _unsupported(cells: Sequence[CellResult]) -> Iterator[str]:
    reasons: dict[str, list[CellResult]] = {}
    for cell in cells:
        if cell.verdict is Verdict.UNSUPPORTED:
            reasons.setdefault(cell.reason, []).append(cell)
    for reason, group in reasons.items():
        named = [f"{each.cell.title} ({each.cell.path})" for each in group[:_MOST_NAMED]]
        if len(group) > _MOST_NAMED:
            named.append(f"{len(group) - _MOST_NAMED} more")
        yield f"unsupported: {', '.join(named)}: {reason}"


def _total(result: RunResult) -> str:
    if not result.cells:
        return "0 cells: nothing was run"
    verdicts = tally(Counter(cell.verdict for cell in result.cells))
    backends = " and ".join(sorted({cell.backend for cell in result.cells}))
    return f"{counted(len(result.cells), 'cell')} on {backends}: {verdicts}"
