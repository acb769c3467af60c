"""What a run's end says: the table, what was not as declared and why, and where the record is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import fill, indent
from typing import Final

from rich.console import Console
from rich.text import Text

from dicom.registry import unknown_word
from orchestrator.errors import InputError
from orchestrator.model.results import CellResult, RunResult, Verdict
from orchestrator.output.console import put
from orchestrator.output.explanation import explain
from orchestrator.output.names import STYLES, counted, route_in_words, tally
from orchestrator.output.table import ResultTable
from orchestrator.records.evidence_files import cell_folder
from orchestrator.records.folders import RECORD

_INDENT: Final = "    "
#: Where the text of an explanation begins, after its label.
_HANGING: Final = " " * 12
_EXPLAINED: Final = (Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE)
#: Explanations printed in full; the rest are in the record.
_MOST_EXPLAINED: Final = 10
#: Lines that a past run shows of what starts a failing cell's lab again.
MOST_COMMANDS: Final = 8
#: Cells named for each reason why something is unsupported.
_MOST_NAMED: Final = 4


def print_summary(
    console: Console,
    result: RunResult,
    folder: Path,
    *,
    recorded: bool = True,
    commands: int = 0,
) -> None:
    """Print everything about a finished run whose record is, if ``recorded``, in ``folder``.

    ``commands`` is how many lines of what starts its lab by hand follow each failing cell.
    """
    if result.cells:
        put(console, ResultTable(result.cells))
    failing = [cell for cell in result.cells if cell.verdict in _EXPLAINED]
    for cell in failing[:_MOST_EXPLAINED]:
        console.print()
        _print_explanation(console, cell, folder)
        if recorded:
            _print_by_hand(console, cell, result.run, commands)
    if len(failing) > _MOST_EXPLAINED:
        more = counted(len(failing) - _MOST_EXPLAINED, "more cell")
        console.print(f"\n{more} not as declared: see 'pacslab show {result.run}'")
    for line in _unsupported(result.cells):
        console.print(Text(line, STYLES[Verdict.UNSUPPORTED]))
    console.print()
    if ending := _ending(result):
        console.print(Text(ending, "bold red"))
    console.print(_total(result))
    if recorded:
        console.print(f"record: {folder / RECORD}", soft_wrap=True)


def print_cell(console: Console, result: RunResult, slug: str, folder: Path) -> None:
    """Print one cell of a past run: its row, its explanation, and how to start its lab by hand.

    Args:
        console: where to.
        result: the run.
        slug: the cell's name in the record: its folder's.
        folder: the run's folder.

    Raises:
        InputError: the run has no such cell.
    """
    cells = {cell.cell.slug: cell for cell in result.cells}
    if slug not in cells:
        raise InputError(unknown_word("cell", slug, tuple(cells)))
    cell = cells[slug]
    put(console, ResultTable([cell]))
    console.print()
    _print_explanation(console, cell, folder)
    _print_by_hand(console, cell, result.run, len(cell.reproduce))


def print_reach(console: Console, reach: Sequence[str]) -> None:
    """Say how to reach a lab that was kept, and how to end it."""
    console.print("\nthe lab of the last cell is still running:")
    for line in reach:
        console.print(f"  {line}", soft_wrap=True)
    console.print("  end it with: pacslab clean (or make clean)")


def _print_explanation(console: Console, result: CellResult, folder: Path) -> None:
    name = f"{result.cell.title}, {result.cell.route}: {route_in_words(result)}"
    mark = "✗ " if result.verdict in _EXPLAINED else ""
    verdict = (f"{mark}{result.verdict} ", STYLES[result.verdict])
    console.print(Text.assemble(verdict, (name, "bold")))
    for line in explain(result):
        if console.is_terminal:
            room = console.width - len(_INDENT)
            line = fill(line, room, subsequent_indent=_HANGING, replace_whitespace=False)
        console.print(Text(indent(line, _INDENT)), soft_wrap=True)
    console.print(f"    record    {cell_folder(folder, result)}", soft_wrap=True)


def _print_by_hand(console: Console, result: CellResult, run: str, most: int) -> None:
    """At ``most`` so many lines of what starts the cell's lab again, and where all of them are."""
    lines = [*result.reproduce[:most]]
    if len(lines) < len(result.reproduce):
        lines.append(f"pacslab show {run} --cell {result.cell.slug}")
    for number, line in enumerate(lines):
        console.print(f"    {'' if number else 'by hand':<8}  {line}", soft_wrap=True)


def _unsupported(cells: Sequence[CellResult]) -> Iterator[str]:
    reasons: dict[str, list[CellResult]] = {}
    for cell in cells:
        if cell.verdict is Verdict.UNSUPPORTED:
            reasons.setdefault(cell.reason, []).append(cell)
    for reason, group in reasons.items():
        named = [
            f"{each.cell.title}, {each.cell.route} ({each.cell.path})"
            for each in group[:_MOST_NAMED]
        ]
        if len(group) > _MOST_NAMED:
            named.append(f"{len(group) - _MOST_NAMED} more")
        yield f"unsupported: {'; '.join(named)}: {reason}"


def _ending(result: RunResult) -> str:
    """Why the table is not all that was asked for; empty where it is."""
    chosen = len(result.cells) + len(result.unfinished)
    left = f"{len(result.unfinished)} of {counted(chosen, 'cell')} without a result"
    match result.state:
        case "running":
            return f"still going on: {left} yet"
        case "killed":
            return f"cut short: the run was killed, or had no room for the rest; {left}"
    return f"cut short: {result.interrupted}" if result.interrupted else ""


def _total(result: RunResult) -> str:
    if not result.cells:
        return "0 cells: nothing was run"
    verdicts = tally(Counter(cell.verdict for cell in result.cells))
    backends = " and ".join(sorted({cell.backend for cell in result.cells}))
    return f"{counted(len(result.cells), 'cell')} on {backends}: {verdicts}"
