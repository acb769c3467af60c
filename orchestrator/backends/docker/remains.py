"""What labs left on the engine: found by label, removed when its owner is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.backends.docker import labels
from orchestrator.backends.docker.engine import DockerEngine
from orchestrator.errors import LabError
from orchestrator.machine.waiting import wait_until

#: How long the engine may take to get rid of one lab, in seconds.
_PATIENCE: Final = 20.0


@dataclass
class _Remains:
    run: str
    containers: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)


def sweep(*, except_runs_alive: bool = True, engine: DockerEngine | None = None) -> list[str]:
    """Remove what labs left behind; a line for each lab removed, none where no engine answers.

    Args:
        except_runs_alive: leave labs whose owner is alive or unknown (started by hand, or from
            another machine or container). False removes every lab on this engine.
        engine: the engine, by default the command line's.

    Raises:
        EngineError: the engine refused to say what there is.
    """
    engine = engine or DockerEngine()
    if engine.unreachable() is not None:
        return []
    lines = []
    for lab, remains in sorted(_find(engine, everything=not except_runs_alive).items()):
        complaints = remove_lab(engine, lab)
        text = (
            f"docker lab {lab} of run {remains.run}:"
            f" {len(remains.containers)} containers, {len(remains.networks)} networks"
        )
        lines.append(text + "".join(f"; not removed: {each}" for each in complaints))
    return lines


def remove_lab(engine: DockerEngine, lab: str) -> list[str]:
    """Remove every container (with its anonymous volumes) and network of ``lab``; what failed.

    Looks again after removing, for at most 20 s: a compose process that was interrupted may have
    had a request under way, and the engine may be removing something already.

    Raises:
        EngineError: the engine refused to say what there is.
    """
    label = f"{labels.LAB}={lab}"
    complaints: list[str] = []

    def gone() -> bool:
        containers = [str(each["Id"]) for each in engine.containers(label)]
        networks = [str(each["Id"]) for each in engine.networks(label)]
        # Containers go first: a network with a member can't be removed.
        complaints[:] = engine.remove_containers(containers) + engine.remove_networks(networks)
        return not containers and not networks

    try:
        wait_until(gone, seconds=_PATIENCE, what=f"lab {lab} to be removed")
    except LabError as error:
        return complaints or [str(error)]
    return []


def _find(engine: DockerEngine, *, everything: bool) -> Mapping[str, _Remains]:
    found: dict[str, _Remains] = {}

    def add(described: Mapping[str, Any], sort: str) -> None:
        marks: Mapping[str, str] = described.get("Labels") or {}
        if everything or labels.is_abandoned(marks):
            remains = found.setdefault(
                marks[labels.LAB], _Remains(run=marks.get(labels.RUN, "unknown"))
            )
            getattr(remains, sort).append(str(described["Id"]))

    for container in engine.containers(labels.LAB):
        add(container, "containers")
    for network in engine.networks(labels.LAB):
        add(network, "networks")
    return found
