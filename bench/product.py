"""How long the product's own commands take, as a user would wait for them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from orchestrator.errors import LabError
from orchestrator.model.results import RunResult

_LIMIT_SECONDS: Final = 600


def run_scenarios(runs: Path, *words: str) -> tuple[float, RunResult]:
    """Seconds from starting ``pacslab run …`` to its end, and what it found.

    Raises:
        LabError: the run did not end as declared; a benchmark of failures means nothing.
    """
    command = [sys.executable, "-m", "orchestrator", "run", *words, "--json", "--runs", str(runs)]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, timeout=_LIMIT_SECONDS, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        raise LabError(
            f"'pacslab run {' '.join(words)}' ended with {done.returncode}, expected 0:"
            f" {done.stderr.decode()[-500:]}"
        )
    return seconds, RunResult.model_validate(json.loads(done.stdout))


def phases_of(result: RunResult) -> int:
    """How many phases were observed in all cells."""
    return sum(len(cell.phases) for cell in result.cells)


def seconds_of_a_phase(result: RunResult) -> float:
    """Seconds that a phase took on average: reconfigure, make the study, probe, ask the archive."""
    phases = [phase for cell in result.cells for phase in cell.phases]
    return sum(phase.seconds for phase in phases) / len(phases)
