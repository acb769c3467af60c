"""Network: packets that are dropped, refused, late, few, or cut off."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

from pydantic import Field

from dicom.association.ends import Timeouts
from orchestrator.errors import FaultNotInPlaceError
from orchestrator.faults.base import FAULTS, Fault, link_of
from orchestrator.faults.proof import VisibleLab, echo_at, seen_in
from orchestrator.faults.retrieve import destination_link
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState, Link

#: Seconds that a proof waits for an answer which must not come: much longer than a healthy
#: network inside one machine takes, much shorter than a modality waits.
_NO_ANSWER: Final = 0.4


class NetworkFault(Fault):
    """Something between a client and a server treats their packets badly.

    ``link`` chooses whose: those of the route's probe, or those of the C-STORE sub-operations
    from the archive to a C-MOVE destination.
    """

    layer: ClassVar[str] = "network"
    link: Literal["target", "destination"] = Field(
        "target", description="which way: source to target, or target to C-MOVE destination"
    )

    def disturbed(self, route: Route) -> Link:
        """The link between whose ends the network misbehaves.

        Raises:
            UnsupportedError: it is the destination's, and the route has none.
        """
        return link_of(route) if self.link == "target" else destination_link(route)


class FilterFault(NetworkFault):
    """A network fault that our relay, a packet filter or the cable can bring about."""

    how: Literal["relay", "filter", "disconnect"] = Field(
        "relay",
        description="who does it: our relay in the path (both backends), a packet filter on the"
        " server's host, or the server's network cable (docker)",
    )

    def unsupported_on(self, backend: str) -> str | None:
        """Only docker gives the server a network of its own that can be filtered or unplugged."""
        if self.how == "relay" or backend == "docker":
            return None
        return (
            f"how: {self.how} needs a network namespace of the server's own, which nodes of the"
            f" {backend} backend don't have; use how: relay, or BACKEND=docker"
        )


@FAULTS.register("firewall-drop")
class FirewallDrop(FilterFault):
    """A firewall drops what the client sends: its connects are never answered."""

    def change(self, state: LabState, route: Route) -> LabState:
        """Drop on the link."""
        return state.with_wire(self.disturbed(route), how=self.how, mode="drop")

    def verify(self, lab: VisibleLab, route: Route) -> tuple[str, ...]:
        """A connect must stay unanswered; off the network its name or route may go as well."""
        gone = {"unresolved", "unreachable"} if self.how == "disconnect" else set()
        return _prove(lab, self.disturbed(route), "connect", {"timeout"} | gone)


@FAULTS.register("firewall-reject")
class FirewallReject(FilterFault):
    """A firewall refuses what the client sends: its connects are answered with a reset."""

    how: Literal["relay", "filter"] = Field(
        "relay",
        description="who does it: our relay in the path (both backends), or a packet filter on"
        " the server's host (docker)",
    )

    def change(self, state: LabState, route: Route) -> LabState:
        """Reject on the link."""
        return state.with_wire(self.disturbed(route), how=self.how, mode="reject")

    def verify(self, lab: VisibleLab, route: Route) -> tuple[str, ...]:
        """A connect must be refused."""
        return _prove(lab, self.disturbed(route), "connect", {"refused", "unreachable"})


@FAULTS.register("silent")
class Silent(NetworkFault):
    """Something accepts the client's connections and never says a word, as a hung server does."""

    def change(self, state: LabState, route: Route) -> LabState:
        """Say nothing on the link."""
        return state.with_wire(self.disturbed(route), mode="silent")

    def verify(self, lab: VisibleLab, route: Route) -> tuple[str, ...]:
        """A connect must succeed and an association request must stay unanswered."""
        return _prove(lab, self.disturbed(route), "associate", {"timeout"})


@FAULTS.register("delay")
class Delay(NetworkFault):
    """Everything takes longer to arrive, in each direction, as over a long or a bad line."""

    ms: float = Field(gt=0, le=60_000, description="one-way delay in milliseconds")

    def change(self, state: LabState, route: Route) -> LabState:
        """Delay on the link."""
        return state.with_wire(self.disturbed(route), delay_ms=self.ms)


@FAULTS.register("bandwidth")
class Bandwidth(NetworkFault):
    """The line carries little: each connection gets so many bytes a second in each direction."""

    bytes_per_second: int = Field(gt=0, description="bytes a second, per connection and direction")

    def change(self, state: LabState, route: Route) -> LabState:
        """Limit the link."""
        return state.with_wire(self.disturbed(route), bytes_per_second=self.bytes_per_second)


@FAULTS.register("cut")
class Cut(NetworkFault):
    """Each connection is cut off after so many bytes from the client to the server."""

    after_bytes: int = Field(ge=0, description="bytes from client to server that still get across")
    cut_with: Literal["reset", "close"] = Field(
        "reset", description="how both ends are told: RST, or FIN as if the other had closed"
    )

    def change(self, state: LabState, route: Route) -> LabState:
        """Cut on the link."""
        return state.with_wire(
            self.disturbed(route), cut_after_bytes=self.after_bytes, cut_with=self.cut_with
        )


def _prove(lab: VisibleLab, link: Link, rung: str, kinds: set[str]) -> tuple[str, ...]:
    """Try an echo over ``link`` from a modality, which must stop at ``rung`` with one of ``kinds``.

    A filter may tell clients apart, so where the client is an archive nobody else can prove it;
    there the filter's own rules, which ``lab.enact`` reads back, are the evidence.
    """
    client, _ = link
    wire = lab.state.wires[link]
    if client in lab.state.modalities:
        witness = client
    elif wire.how == "relay":
        witness = lab.feeder
    else:
        return ()
    address = lab.endpoint(link)
    impatient = Timeouts(connect=_NO_ANSWER, acse=_NO_ANSWER)
    report = echo_at(lab, link, witness, timeouts=impatient)
    seen = seen_in(report)
    reached = report.outcome.rung
    stopped_early = rung == "connect" and reached in ("resolve", "connect")
    if report.outcome.kind not in kinds or not (stopped_early or reached == rung):
        raise FaultNotInPlaceError(
            f"an echo from {witness} to {address} should stop at {rung} with"
            f" {' or '.join(sorted(kinds))}, but it saw {seen}. Does anything else answer there?"
        )
    return (f"{address} as seen by {witness}: {seen}",)
