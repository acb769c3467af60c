"""The network between nodes: a TCP relay that can drop, refuse, stall, slow down and cut."""

from orchestrator.relay.client import RelayClient
from orchestrator.relay.relay import Relay
from orchestrator.relay.wires import Wires, wire_name

__all__ = ["Relay", "RelayClient", "Wires", "wire_name"]
