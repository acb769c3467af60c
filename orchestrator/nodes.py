"""Our own nodes, modalities and relay, where a backend runs them in this process."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from modalities.node import Modality, ModalityNode
from orchestrator.backends.base import InProcess
from orchestrator.relay import Relay, Wires

#: The role of the relay; no scenario may use it.
RELAY: Final = "relay"
#: Ports inside a container; on loopback the site picks free ones.
MODALITY_PORTS: Final = {"dicom": 11104, "control": 8104}
RELAY_PORTS: Final = {"control": 8105}
#: The relay's first link port inside a container; each further link takes the next.
FIRST_LINK_PORT: Final = 20000
#: Nothing listens here inside a container; on loopback the site reserves a port for it.
CLOSED_PORT: Final = 11999


class InProcessModality(Modality, InProcess, Protocol):
    """A modality that runs as threads of this process."""


class InProcessRelay(Wires, InProcess, Protocol):
    """A relay that runs as threads of this process."""


class Nodes(Protocol):
    """Makes the nodes of ours that a backend runs in this process."""

    def modality(self, role: str, exchange: Path) -> InProcessModality:
        """A modality or workstation, not listening yet."""

    def relay(self) -> InProcessRelay:
        """A relay without links."""


class SimulatedNodes:
    """The simulators of ``modalities`` and our relay."""

    def modality(self, role: str, exchange: Path) -> InProcessModality:
        """A modality or workstation, not listening yet."""
        return ModalityNode(role, exchange)

    def relay(self) -> InProcessRelay:
        """A relay without links."""
        return Relay()
