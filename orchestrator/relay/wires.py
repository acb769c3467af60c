"""What a lab asks of the network between its nodes, wherever the relay runs."""

from __future__ import annotations

from typing import Protocol

from dicom.tracing.trace import AssociationTrace
from orchestrator.model.address import Address
from orchestrator.model.state import Link, WireState


class Wires(Protocol):
    """Named TCP relays. ``Relay`` is one in this process, ``RelayClient`` one in a container."""

    def link(self, name: str, listen: Address, upstream: Address) -> Address:
        """Relay connections made to ``listen`` (port 0: any free one) to ``upstream``.

        Returns the address that really listens.

        Raises:
            LabError: the name is in use, or the address can't be bound.
        """

    def links(self) -> tuple[str, ...]:
        """The names of all links, in the order in which they were made."""

    def set(self, name: str, state: WireState) -> None:
        """Treat the connections of link ``name`` as ``state`` says, from now on.

        Raises:
            LabError: there is no such link, or this machine can't do what ``state`` asks.
        """

    def state(self, name: str) -> WireState:
        """What the relay itself says that it does with link ``name``."""

    def traces(self, name: str) -> tuple[AssociationTrace, ...]:
        """One trace per connection of link ``name`` since the last ``forget``, oldest first."""

    def forget(self) -> None:
        """Drop the traces of all connections that have ended."""

    def stop(self) -> None:
        """Close every socket at once; idempotent."""


def relayed_mode(state: WireState) -> str:
    """What the relay does where ``state`` holds: nothing where somebody else treats the link."""
    return state.mode if state.how == "relay" else "pass"


def wire_name(link: Link) -> str:
    """``ct-archive``: the name of the relay link between a client's role and a server's."""
    return "-".join(link)
