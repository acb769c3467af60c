"""A lab before it is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.lab.topology import Topology
from orchestrator.model.state import Link

if TYPE_CHECKING:
    from orchestrator.lab.certificates import KeyRing


@dataclass(frozen=True)
class LabPlan:
    """Which nodes, and what their lab is called.

    Attributes:
        topology: the nodes.
        run, name: labels; ``name`` is unique on this machine.
        folder: the cell's or lab's folder in the record.
        relayed: links that go through the relay, either to be observed or to be disturbed.
        keys: the run's key ring where any of the lab's states needs certificates, else None.
    """

    topology: Topology
    run: str
    name: str
    folder: Path
    relayed: frozenset[Link] = frozenset()
    keys: KeyRing | None = None
