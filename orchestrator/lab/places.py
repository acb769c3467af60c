"""Where the nodes of a lab are, and where each believes the others to be."""

from __future__ import annotations

from dataclasses import replace

from dicom.settings import ArchiveSettings, KnownAE
from orchestrator.backends.base import NodeRunner, Place
from orchestrator.lab.nodes import (
    CLOSED_PORT,
    FIRST_LINK_PORT,
    MODALITY_PORTS,
    RELAY_PORTS,
)
from orchestrator.lab.topology import Topology
from orchestrator.model.address import Address
from orchestrator.model.scenario import RELAY
from orchestrator.model.state import AddressEntry, LabState, Link
from orchestrator.relay import wire_name


class Places:
    """The places that a runner reserved for every node of a topology.

    Args:
        runner: reserves them, before anything is started.
        topology: which nodes.
        relayed: links whose client is pointed to the relay instead of the server itself.
    """

    def __init__(self, runner: NodeRunner, topology: Topology, relayed: frozenset[Link]) -> None:
        self._links = sorted(relayed)
        self._places: dict[str, Place] = {
            role: runner.reserve(role, {**MODALITY_PORTS, "closed": CLOSED_PORT})
            for role in topology.modalities
        }
        for role, chosen in topology.archives.items():
            ports = {**chosen.stack.ports(chosen.edition), "closed": CLOSED_PORT}
            place = runner.reserve(role, ports)
            self._places[role] = replace(place, peers={**place.peers, **chosen.stack.runs_at})
        if relayed:
            self._places[RELAY] = runner.reserve(RELAY, self.relay_ports)

    def __getitem__(self, role: str) -> Place:
        return self._places[role]

    @property
    def nodes(self) -> tuple[str, ...]:
        """The roles that speak DICOM themselves: all but the relay."""
        return tuple(role for role in self._places if role != RELAY)

    @property
    def relay_ports(self) -> dict[str, int]:
        """The relay's ports by name: its control port, and one for each link."""
        links = {wire_name(link): FIRST_LINK_PORT + n for n, link in enumerate(self._links)}
        return {**RELAY_PORTS, **links}

    def address(self, link: Link, entry: AddressEntry) -> Address:
        """Where the client of ``link`` connects, going by its ``entry``."""
        place = self._places[link[1]]
        true = place.peers["dicom"]
        if entry.host is not None or entry.port is not None:
            port = place.peers["closed"].port if entry.port == "closed" else entry.port
            return Address(entry.host or true.host, port or true.port)
        if link in self._links:
            return self._places[RELAY].peers[wire_name(link)]
        return true

    def with_table(self, role: str, state: LabState) -> ArchiveSettings:
        """An archive's settings with the table of remote AEs that its entries amount to."""
        table = []
        for link, entry in sorted(state.entries.items()):
            if link[0] == role:
                host, port = self.address(link, entry)
                table.append(
                    KnownAE(name=link[1], title=entry.title, host=host, port=port, tls=entry.tls)
                )
        return state.archives[role].model_copy(update={"known_aes": tuple(table)})
