"""Proof by trying: what a short echo from one of the lab's own nodes meets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dicom.association.ends import Target, Timeouts, Tls
from modalities.commands import Report
from modalities.services.echo import Echo
from orchestrator.errors import FaultNotInPlaceError
from orchestrator.model.state import Link

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab

#: Called where it does not matter whether anybody has that title.
NOBODY = "NOBODY"


def echo_at(
    lab: Lab,
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
    return f"{report.rung.value}: {report.signature or otherwise}"


def prove_closed(lab: Lab, link: Link) -> tuple[str, ...]:
    """Evidence that the port in ``link``'s entry refuses connections.

    Raises:
        FaultNotInPlaceError: something answers there.
    """
    witness = lab.topology.feeder
    report = echo_at(lab, link, witness)
    address, seen = lab.endpoint(link), seen_in(report)
    if report.signature is None or report.signature.kind != "refused":
        raise FaultNotInPlaceError(
            f"port {address} should refuse connections, but {witness} saw {seen}."
            " Does another program listen there?"
        )
    return (f"{address} as seen by {witness}: {seen}",)
