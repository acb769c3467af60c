"""Whose a container or network is: the labels by which remains of dead runs are found."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from orchestrator.backends.docker.composefile import ROLE_LABEL
from orchestrator.machine.owners import ProcessIdentity

LAB: Final = "org.pacslab.lab"
RUN: Final = "org.pacslab.run"
ROLE: Final = ROLE_LABEL
PID: Final = "org.pacslab.pid"
STARTED: Final = "org.pacslab.started"
SPACE: Final = "org.pacslab.space"

#: The owner is taken from compose's environment: a lab that is started again by hand, without
#: these variables, has no owner whose death would remove it.
_VARIABLES: Final = {
    PID: "PACSLAB_OWNER_PID",
    STARTED: "PACSLAB_OWNER_STARTED",
    SPACE: "PACSLAB_OWNER_SPACE",
}


def of_lab(run: str, lab: str) -> dict[str, str]:
    """The labels of everything that a lab makes, the owner as variables for compose."""
    owner = {label: f"${{{variable}:-}}" for label, variable in _VARIABLES.items()}
    return {RUN: run, LAB: lab, **owner}


def owner_environment() -> dict[str, str]:
    """The variables that make this process the owner."""
    owner = ProcessIdentity.current()
    values = {PID: str(owner.pid), STARTED: owner.started, SPACE: process_space()}
    return {_VARIABLES[label]: value for label, value in values.items()}


def owned_by_this_process(run: str, lab: str) -> dict[str, str]:
    """The labels of something made without compose."""
    environment = owner_environment()
    owner = {label: environment[variable] for label, variable in _VARIABLES.items()}
    return {RUN: run, LAB: lab, **owner}


def is_abandoned(labels: Mapping[str, str]) -> bool:
    """Whether the owner is known and certainly dead.

    A process id means something only where it was given out: what was started from another
    container, or another machine through a remote engine, is never taken for abandoned.
    """
    pid, started = labels.get(PID, ""), labels.get(STARTED, "")
    if not pid.isdecimal() or not started or labels.get(SPACE) != process_space():
        return False
    return not ProcessIdentity(pid=int(pid), started=started).alive()


def process_space() -> str:
    """Where this process's id is valid: the machine, and on Linux its process namespace."""
    if sys.platform == "linux":
        return f"{platform.node()}/{Path('/proc/self/ns/pid').readlink()}"
    return platform.node()
