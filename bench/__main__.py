"""``make bench``: what the README promises, each figure beside what it is compared with."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Final

from bench import compose_script, nagle, product
from orchestrator.backends.base import BACKENDS
from orchestrator.errors import EnvironmentProblemError, PacslabError

#: What is promised, in seconds (and, for the last, as a ratio).
ONE_SCENARIO: Final = 3.0
ALL_SCENARIOS: Final = 30.0
IN_CONTAINERS: Final = 8.0
CHEAPER_PER_PHASE: Final = 5.0


def main() -> int:
    """Run every benchmark that this machine can run; returns the exit code."""
    failed = False
    with tempfile.TemporaryDirectory(prefix="pacslab-bench-") as scratch:
        for benchmark in (_local, _everything, _containers, _nodelay):
            try:
                benchmark(Path(scratch))
            except PacslabError as error:
                _say(f"  not measured: {error}")
                failed = True
    return 1 if failed else 0


def _local(scratch: Path) -> None:
    _say("wrong-aetitle, no Docker, second time:")
    words = ("wrong-aetitle", "--backend", "local")
    product.run_scenarios(scratch / "runs", *words)
    seconds, result = product.run_scenarios(scratch / "runs", *words)
    _promised(seconds, ONE_SCENARIO, f"{len(result.cells)} cells")


def _everything(scratch: Path) -> None:
    _say("all scenarios, no Docker, cells side by side:")
    seconds, result = product.run_scenarios(scratch / "runs", "all", "--backend", "local")
    _promised(seconds, ALL_SCENARIOS, f"{len(result.cells)} cells")


def _containers(scratch: Path) -> None:
    image = _orthanc_image()
    _say("wrong-aetitle on Orthanc in containers, from nothing to torn down:")
    words = ("--backend", "docker", "--stack", "orthanc")
    product.run_scenarios(scratch / "runs", "wrong-aetitle", *words)
    seconds, result = product.run_scenarios(scratch / "runs", "wrong-aetitle", *words)
    _promised(seconds, IN_CONTAINERS, f"{len(result.cells)} cells")
    _say("a phase in containers, whole runs divided by their phases:")
    seconds, result = product.run_scenarios(scratch / "runs", "addressing", "admission", *words)
    phases = product.phases_of(result)
    ours = seconds / phases
    by_script = compose_script.seconds_per_phase(_folder(scratch / "script"), image)
    _compared(
        f"{len(result.cells)} cells, {phases} phases",
        ("pacslab", ours, "s"),
        ("compose up, storescu, compose down", by_script, "s"),
        by_script / ours,
        f"promised: {CHEAPER_PER_PHASE:g}",
    )
    _compared(
        "one phase more, its reconfiguration included",
        ("pacslab", product.seconds_of_a_phase(result), "s"),
        ("compose up, storescu, compose down", by_script, "s"),
        by_script / product.seconds_of_a_phase(result),
        "what each further phase costs",
    )


def _orthanc_image() -> str:
    docker = BACKENDS["docker"]
    image = docker.has("orthanc", None)
    problem = docker.unavailable()
    if problem is not None or image is None:
        raise EnvironmentProblemError(problem or "no Orthanc image here (make images)")
    return image


def _nodelay(scratch: Path) -> None:
    _say("storescu to storescp on loopback, CT of 512 KB:")
    folder = _folder(scratch / "nagle")
    fast = nagle.objects_per_second(folder, nodelay=True)
    slow = nagle.objects_per_second(folder, nodelay=False)
    _compared(
        "objects a second",
        ("with TCP_NODELAY", fast, "/s"),
        ("without", slow, "/s"),
        fast / slow,
        "why every node of the lab has it",
    )


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _promised(seconds: float, limit: float, what: str) -> None:
    _say(f"  {what}: {seconds:.1f} s; promised {limit:g} s; ratio {limit / seconds:.1f}")


def _compared(
    what: str,
    ours: tuple[str, float, str],
    theirs: tuple[str, float, str],
    ratio: float,
    comment: str,
) -> None:
    sides = "; ".join(f"{name} {value:.2f} {unit}" for name, value, unit in (ours, theirs))
    _say(f"  {what}: {sides}; ratio {ratio:.1f} ({comment})")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
