"""What runs leave on this machine when they are killed, and its removal."""

from __future__ import annotations

from orchestrator import processes, reservations


def sweep(*, all: bool = False) -> list[str]:  # noqa: A002  the word of the command line
    """Remove what dead runs left: processes, folders, ports, containers, networks.

    Runs that are alive keep everything, unless ``all``: then they are told to stop first, and
    labs in containers whose owner is unknown are removed too.

    Returns:
        A line for each thing removed; empty where there was nothing.

    Raises:
        EnvironmentProblemError: the Docker engine answers, but not about its containers.
    """
    from orchestrator.backends.docker import remains as containers  # slow to import

    stopped = processes.stop_runs("all") if all else []
    # Processes first: one that still wrote into a folder would bring it back.
    return [
        *stopped,
        *processes.sweep(),
        *reservations.sweep(),
        *containers.sweep(except_runs_alive=not all),
    ]


def clean(*, all: bool = False) -> list[str]:  # noqa: A002  as above
    """``sweep``, and end the labs that ``--keep`` left running."""
    return [*processes.stop_runs("kept"), *sweep(all=all)]
