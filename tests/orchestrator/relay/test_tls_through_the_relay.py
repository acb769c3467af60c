"""What of a failed TLS handshake is left on the wire, and read off it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from dicom.association.ends import Caller, Target, Tls
from modalities.nodes.node import ModalityNode
from modalities.services.echo import Echo
from modalities.services.listen import Listen
from orchestrator.evidence import outcome_of
from orchestrator.lab.certificates import CertificateStore
from orchestrator.machine.waiting import wait_until
from orchestrator.model.address import Address
from orchestrator.relay import Relay
from tests.orchestrator.relay.conftest import LOOPBACK
from tests.peers import PATIENCE

LINK = "ct-archive"
Version = Literal["TLSv1.2", "TLSv1.3"]


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exchange")
    CertificateStore.create(folder / "tls", {"ct": (), "archive": ()})
    return folder


@pytest.fixture(scope="module")
def archive(exchange: Path) -> Iterator[Address]:
    node = ModalityNode("archive", exchange)
    port = node.run(Listen(aetitle="ARCHIVE", port=0, tls=material("archive"))).port
    yield Address(LOOPBACK, port)
    node.stop()


def material(name: str, version: Version = "TLSv1.3", trusted: str = "lab-ca") -> Tls:
    return Tls(
        trusted=f"tls/{trusted}.pem",
        certificate=f"tls/{name}.pem",
        key=f"tls/{name}.key",
        maximum_version=version,
    )


@pytest.mark.parametrize(
    ("tls", "sent", "on_the_wire"),
    [
        (material("ct"), "dimse ok", "tls ok"),
        (material("ct", "TLSv1.2"), "dimse ok", "tls ok"),
        (
            material("ct", "TLSv1.2", trusted="other-ca"),
            "tls: certificate untrusted-issuer",
            "tls: certificate untrusted-issuer",
        ),
        (
            material("ct-other-ca", "TLSv1.2"),
            "tls: alert unknown_ca",
            "tls: alert unknown_ca",
        ),
        (
            material("ct", trusted="other-ca"),
            "tls: certificate untrusted-issuer",
            "tls: certificate untrusted-issuer",
        ),
        # under TLS 1.3 the server's alert is encrypted: nothing visible stopped the exchange
        (material("ct-other-ca"), "tls: alert unknown_ca", "tls ok"),
    ],
)
def test_a_handshake_is_judged_by_what_is_visible_of_it(
    tls: Tls, sent: str, on_the_wire: str, relay: Relay, archive: Address, exchange: Path
) -> None:
    wire = relay.link(LINK, Address(LOOPBACK, 0), archive)
    target = Target(host=wire.host, port=wire.port, called="ARCHIVE", tls=tls)
    report = ModalityNode("ct", exchange).run(Echo(target=target, caller=Caller(calling="CT")))
    assert str(report.outcome) == sent
    wait_until(
        lambda: relay.traces(LINK)[0].end != "open", seconds=PATIENCE, what="the connection's end"
    )
    (trace,) = relay.traces(LINK)
    assert trace.encrypted
    assert str(outcome_of(trace)) == on_the_wire
