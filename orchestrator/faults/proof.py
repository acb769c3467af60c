"""Proof by trying: what a short echo from one of the lab's own nodes meets."""

from __future__ import annotations

from typing import Protocol

from dicom.association.ends import Caller, Target, Timeouts, Tls
from modalities.commands import Command, Report
from modalities.services.echo import Echo
from orchestrator.errors import FaultNotInPlaceError
from orchestrator.model.address import Address
from orchestrator.model.state import LabState, Link

#: Called where it does not matter whether anybody has that title.
NOBODY = "NOBODY"


class VisibleLab(Protocol):
    """What a fault sees of the lab that it has to prove itself in."""

    @property
    def state(self) -> LabState:
        """The state that the lab was brought into."""

    @property
    def feeder(self) -> str:
        """A modality of every lab, which can try things."""

    def endpoint(self, link: Link) -> Address:
        """Where the client of ``link`` connects now, as nodes see it."""

    def caller(self, role: str) -> Caller:
        """A modality's own side of its associations."""

    def ask(self, role: str, command: Command) -> Report:
        """Have a modality or workstation carry out ``command``.

        Raises:
            LabError: the node is gone or can't carry it out as written; failures of the exchange
                itself are in the report.
        """

    def certificate(self, file: str) -> str:
        """A certificate in words, as it lies in the folder that the lab's nodes share.

        Raises:
            LabError: there is no such file, or no certificate in it.
        """


def echo_at(
    lab: VisibleLab,
    link: Link,
    witness: str,
    *,
    called: str = NOBODY,
    tls: Tls | None = None,
    timeouts: Timeouts | None = None,
) -> Report:
    """One C-ECHO from ``witness`` to where the client of ``link`` would connect now.

    It ends before it could disturb anyone; a silent connection would block Orthanc (F22a).
    """
    address = lab.endpoint(link)
    caller = lab.caller(witness)
    if timeouts is not None:
        caller = caller.model_copy(update={"timeouts": timeouts})
    target = Target(host=address.host, port=address.port, called=called, tls=tls)
    return lab.ask(witness, Echo(target=target, caller=caller))


def seen_in(report: Report, otherwise: str = "answered") -> str:
    """Rung and signature of what was met; ``otherwise`` where nothing stopped the echo."""
    return f"{report.outcome.rung.value}: {report.outcome.signature or otherwise}"


def prove_closed(lab: VisibleLab, link: Link) -> tuple[str, ...]:
    """Evidence that the port in ``link``'s entry refuses connections.

    Raises:
        FaultNotInPlaceError: something answers there.
    """
    witness = lab.feeder
    report = echo_at(lab, link, witness)
    address, seen = lab.endpoint(link), seen_in(report)
    if report.outcome.kind != "refused":
        raise FaultNotInPlaceError(
            f"port {address} should refuse connections, but {witness} saw {seen}."
            " Does another program listen there?"
        )
    return (f"{address} as seen by {witness}: {seen}",)
