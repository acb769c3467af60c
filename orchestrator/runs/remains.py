"""What runs leave on this machine when they are killed, and its removal."""

from __future__ import annotations

from orchestrator.machine import processes, reservations


def sweep(
    *,
    all: bool = False,
    containers: bool = True,
) -> list[str]:
    """Remove what dead runs left: processes, folders, ports, containers, networks.

    Runs that are alive keep everything, unless ``all``: then they are told to stop first, and
    labs in containers whose owner is unknown are removed too. Without ``containers`` the Docker
    engine is not asked, which a run without containers need not wait for.

    Returns:
        A line for each thing removed; empty where there was nothing.

    Raises:
        EnvironmentProblemError: the Docker engine answers, but not about its containers.
    """
    stopped = processes.stop_runs("all") if all else []
    # Processes first: one that still wrote into a folder would bring it back.
    removed = [*stopped, *processes.sweep(), *reservations.sweep()]
    if containers:
        from orchestrator.backends.docker import remains  # slow to import

        removed += remains.sweep(except_runs_alive=not all)
    return removed


def clean(*, all: bool = False) -> list[str]:
    """``sweep``, and end the labs that ``--keep`` left running."""
    return [*processes.stop_runs("kept"), *sweep(all=all)]
