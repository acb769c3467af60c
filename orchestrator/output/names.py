"""How cells, routes and counts are called wherever they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orchestrator.model.identity import Identity
from orchestrator.model.results import CellId, CellResult, Verdict

#: Colour of a verdict, in rich's words.
STYLES: Final[Mapping[Verdict, str]] = {
    Verdict.PASS: "green",
    Verdict.FAIL: "bold red",
    Verdict.ERROR: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.UNSUPPORTED: "cyan",
}


def path_in_words(cell: CellId, identities: Mapping[str, Identity]) -> str:
    """``ct → orthanc (process 1.10.1)``: the nodes, and who answered with edition and version.

    Where nothing answered yet an archive is called as the run's user called it.
    """
    named = (
        str(identities[role]) if role in identities else cell.bindings.get(role, role)
        for role in cell.roles
    )
    return " → ".join(named)


def route_in_words(result: CellResult) -> str:
    """The path of a finished cell."""
    return path_in_words(result.cell, result.identities)


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 cell``, ``3 cells``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def tally(verdicts: Mapping[Verdict, int]) -> str:
    """``11 pass, 1 fail``, in the order of ``Verdict``, without those that don't occur."""
    return ", ".join(f"{verdicts[each]} {each}" for each in Verdict if verdicts.get(each))
