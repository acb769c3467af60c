"""The network between a lab's nodes: whoever can treat a link's packets, behind one verb."""

from __future__ import annotations

from orchestrator.backends.base import PacketFilter
from orchestrator.errors import FaultNotInPlaceError, LabError
from orchestrator.lab.changes import arrow, wire_text
from orchestrator.model.state import Link, WireState
from orchestrator.relay import Wires, wire_name


class Network:
    """Brings links into a state and reads back what is in force.

    Args:
        wires: the relay; None where no link goes through one.
        filters: packet filters and cables; None on a backend without.
    """

    def __init__(self, wires: Wires | None, filters: PacketFilter | None) -> None:
        self._wires = wires
        self._filters = filters

    @property
    def wires(self) -> Wires:
        """The relay.

        Raises:
            LabError: no link of this lab goes through it.
        """
        if self._wires is None:
            raise LabError("no link of this lab goes through the relay; a fault asked for one")
        return self._wires

    def treat(self, link: Link, before: WireState, after: WireState) -> tuple[str, ...]:
        """Change how ``link`` is treated; returns what is now in force, a line each.

        Raises:
            FaultNotInPlaceError: reading back shows something else.
            LabError: nobody in this lab can do it.
        """
        undisturbed = WireState()
        if before != undisturbed and before.how != after.how:
            self._apply(link, WireState(how=before.how))
        if after == undisturbed:
            self._apply(link, WireState(how=before.how))
            return ()
        self._apply(link, after)
        return self._in_force(link, after)

    def _apply(self, link: Link, state: WireState) -> None:
        client, server = link
        if state.how == "relay":
            self.wires.set(wire_name(link), state)
            return
        filters = self._needed_filters(state)
        if state.how == "disconnect":
            if state.mode == "pass":
                filters.reconnect(server)
            else:
                filters.disconnect(server)
            return
        filters.filter_clear(server)
        if state.mode == "drop":
            filters.filter_drop(server, from_role=client)
        elif state.mode == "reject":
            filters.filter_reject(server, from_role=client)

    def _in_force(self, link: Link, wanted: WireState) -> tuple[str, ...]:
        _, server = link
        if wanted.how == "relay":
            seen = self.wires.state(wire_name(link))
            if seen != wanted:
                raise FaultNotInPlaceError(
                    f"the relay was to treat {arrow(link)} as {wire_text(wanted)},"
                    f" but it says {wire_text(seen)}"
                )
            return (f"the relay says of {arrow(link)}: {wire_text(seen)}",)
        filters = self._needed_filters(wanted)
        if wanted.how == "disconnect":
            if filters.connected(server):
                raise FaultNotInPlaceError(f"the engine says that {server} is still connected")
            return (f"the engine says that {server} is not on the DICOM network",)
        rules = filters.filter_rules(server)
        if not rules:
            raise FaultNotInPlaceError(f"{server} has no packet filter, expected {wanted.mode}")
        return tuple(f"packet filter of {server}: {rule}" for rule in rules)

    def _needed_filters(self, state: WireState) -> PacketFilter:
        if self._filters is None:
            raise LabError(
                f"{state.how!r} needs packet filters, which this backend does not have;"
                " use how: relay, or BACKEND=docker"
            )
        return self._filters
