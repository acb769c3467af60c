"""Our own nodes, modalities and relay, where a backend runs them in this process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

from modalities.nodes.node import Modality, ModalityNode
from orchestrator.backends.base import InProcess
from orchestrator.model.address import Address
from orchestrator.model.state import ModalityState
from orchestrator.relay import Relay, Wires

#: Ports inside a container; on loopback the runner picks free ones.
MODALITY_PORTS: Final = {"dicom": 11104, "control": 8104}
RELAY_PORTS: Final = {"control": 8105}
#: The relay's first link port inside a container; each further link takes the next.
FIRST_LINK_PORT: Final = 20000
#: Nothing listens here inside a container; on loopback the runner reserves a port for it.
CLOSED_PORT: Final = 11999


class InProcessModality(Modality, InProcess, Protocol):
    """A modality that runs as threads of this process."""


class InProcessRelay(Wires, InProcess, Protocol):
    """A relay that runs as threads of this process."""


def modality_by_hand(state: ModalityState, address: Address, exchange: str) -> tuple[str, ...]:
    """Arguments of the Python interpreter for a modality in ``state`` that listens at ``address``.

    ``exchange`` is the folder that the state's TLS material is relative to.
    """
    words = ["-m", "modalities", "listen", "--aetitle", state.aetitle]
    words += ["--bind", address.host, "--port", str(address.port)]
    if state.called_aetitles is not None:
        words.append("--check-called")
    if state.ris is not None:
        if state.ris.worklist is not None:
            words += ["--worklist", f"{exchange}/{state.ris.worklist.file}"]
        words += ["--mpps"] if state.ris.mpps is not None else []
    tls = state.server_tls
    if tls is not None:
        given = {"--trusted": tls.trusted, "--certificate": tls.certificate, "--key": tls.key}
        for option, file in given.items():
            words += [option, f"{exchange}/{file}"] if file is not None else []
    return tuple(words)


def relay_by_hand(
    control: Address, links: Mapping[str, tuple[Address, Address]]
) -> tuple[str, ...]:
    """Arguments of the Python interpreter for a relay; ``links`` are (listen, upstream) by name."""
    words = ["-m", "orchestrator.relay", "--control-port", str(control.port)]
    for name, (listen, upstream) in links.items():
        words += ["--link", name, str(listen), str(upstream)]
    return tuple(words)


class Nodes(Protocol):
    """Makes the nodes of ours that a backend runs in this process."""

    def modality(self, role: str, exchange: Path) -> InProcessModality:
        """A modality or workstation, not listening yet."""

    def relay(self) -> InProcessRelay:
        """A relay without links."""


class SimulatedNodes:
    """The simulators of ``modalities`` and our relay."""

    def modality(self, role: str, exchange: Path) -> InProcessModality:
        return ModalityNode(role, exchange)

    def relay(self) -> InProcessRelay:
        return Relay()
