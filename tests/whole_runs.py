"""Whole runs in tests: start one, find what was not as declared, compare two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from orchestrator.model.results import CellResult, RunResult, Verdict
from orchestrator.output.names import route_in_words
from orchestrator.runs.request import RunRequest
from orchestrator.runs.suite import execute
from tests.fakes import Heard

#: Why a cell may be impossible; anything else that is unsupported is a missing part.
REASONS = (
    "needs a network namespace",  # packet filters and cables are docker's
    "AcceptedSopClasses exists since Orthanc",
)


def run_all(folder: Path, *stacks: str, backend: Literal["local", "docker"] = "local") -> RunResult:
    """All scenarios on ``stacks``, with studies that are the same every time."""
    request = RunRequest(names=("all",), stacks=stacks, backend=backend, runs=folder, seed=1)
    return execute(request, Heard())


def orthanc_version(result: RunResult) -> str:
    """The one version of Orthanc, or of the profile that follows it, in a run."""
    (version,) = {
        identity.version
        for cell in result.cells
        for identity in cell.identities.values()
        if identity.stack == "orthanc"
    }
    return version


def orthanc_editions(result: RunResult) -> set[str]:
    """Editions in which Orthanc took part in a run."""
    return {
        identity.edition
        for cell in result.cells
        for identity in cell.identities.values()
        if identity.stack == "orthanc"
    }


def not_as_declared(result: RunResult) -> list[str]:
    """Cells that neither passed nor are impossible for a known reason, a line each."""
    return list(_not_as_declared(result))


def drifted(product: RunResult, twin: RunResult, profile: str) -> list[str]:
    """Cells of ``product`` in which its ``profile`` saw something else, a line each."""
    others = {cell.cell.slug.replace(profile, "orthanc"): cell for cell in twin.cells}
    return [
        f"{cell.cell.slug}: the product {_seen(cell)}, the profile {_seen(others[cell.cell.slug])}"
        for cell in product.cells
        if cell.verdict is Verdict.PASS
        and others[cell.cell.slug].verdict is not Verdict.UNSUPPORTED
        and _seen(cell) != _seen(others[cell.cell.slug])
    ]


def _not_as_declared(result: RunResult) -> Iterator[str]:
    for cell in result.cells:
        possible = cell.verdict is Verdict.UNSUPPORTED and any(r in cell.reason for r in REASONS)
        if cell.verdict is not Verdict.PASS and not possible:
            yield f"{cell.cell.title}, {route_in_words(cell)}: {cell.verdict}: {cell.reason}"


def _seen(cell: CellResult) -> dict[str, str]:
    return {phase.name: str(phase.observation.outcome) for phase in cell.phases}
