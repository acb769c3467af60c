"""A lab as far as network and TLS faults look at it: a real modality, relay and server on loopback.

The server is a storage SCP of the simulators, so that each fault is seen by real sockets while
nothing but the fault is under test.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from dicom.association.ends import Caller, Tls
from dicom.settings import ArchiveSettings, TlsServer
from modalities.commands import Command, Report
from modalities.nodes.node import ModalityNode
from modalities.services.listen import Listen
from orchestrator.lab.certificates import CertificateStore, KeyRing, describe_certificate
from orchestrator.model.address import Address
from orchestrator.model.scenario import Route
from orchestrator.model.state import AddressEntry, LabState, Link, ModalityState, WireState
from orchestrator.relay import Relay, wire_name

LOOPBACK = "127.0.0.1"
LINKS: tuple[Link, ...] = (("ct", "archive"), ("archive", "workstation"))
STORE = Route.model_validate({"probe": "store", "from": "ct", "to": "archive"})
MOVE = Route.model_validate(
    {"probe": "move", "from": "ct", "to": "archive", "destination": "workstation"}
)
FORWARD = Route.model_validate({"probe": "forward", "from": "archive", "to": "workstation"})


def client_tls(role: str) -> Tls:
    return Tls(trusted="tls/lab-ca.pem", certificate=f"tls/{role}.pem", key=f"tls/{role}.key")


def healthy(*, tls: bool) -> LabState:
    return LabState(
        archives={"archive": ArchiveSettings(tls=TlsServer() if tls else None)},
        modalities={
            "ct": ModalityState(aetitle="CT", client_tls=client_tls("ct")),
            "workstation": ModalityState(aetitle="WORKSTATION"),
        },
        entries={
            ("ct", "archive"): AddressEntry(title="ARCHIVE", tls=tls),
            ("archive", "workstation"): AddressEntry(title="WORKSTATION"),
        },
    )


class LoopbackLab:
    """What a lab shows to faults. ``enact`` does what is asked unless ``deaf``."""

    def __init__(self, exchange: Path, relay: Relay, state: LabState) -> None:
        self.exchange = exchange
        self.wires = relay
        self.state = state
        self.feeder = "ct"
        self.deaf = False
        self._ct = ModalityNode("ct", exchange)
        self._server = ModalityNode("archive", exchange)
        self._listen(state)
        upstream = Address(LOOPBACK, self._port)
        self._addresses = {
            link: relay.link(wire_name(link), Address(LOOPBACK, 0), upstream) for link in LINKS
        }

    def enact(self, state: LabState) -> Self:
        before, self.state = self.state, state
        if self.deaf:
            return self
        for link in LINKS:
            wire = state.wires.get(link, WireState())
            self.wires.set(wire_name(link), wire if wire.how == "relay" else WireState())
        if state.archives != before.archives:
            self._listen(state, self._port)
        return self

    def ask(self, role: str, command: Command) -> Report:
        assert role == "ct"
        return self._ct.run(command)

    def caller(self, role: str) -> Caller:
        return Caller(calling=self.state.modalities[role].aetitle)

    def endpoint(self, link: Link) -> Address:
        return self._addresses[link]

    def certificate(self, file: str) -> str:
        return describe_certificate(self.exchange / file)

    def stop(self) -> None:
        self._server.stop()

    def _listen(self, state: LabState, port: int = 0) -> None:
        settings = state.archives["archive"].tls
        tls = None
        if settings is not None:
            tls = client_tls(settings.certificate).model_copy(
                update={"require_peer_certificate": settings.require_client_certificate}
            )
        listen = Listen(aetitle="ARCHIVE", port=port, tls=tls)
        self._port = self._server.run(listen).port


@pytest.fixture(scope="session")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exchange")
    CertificateStore.create(folder / "tls", {"ct": (), "archive": ()}, KeyRing())
    return folder


@pytest.fixture
def relay() -> Iterator[Relay]:
    relay = Relay()
    yield relay
    relay.stop()


@pytest.fixture
def lab(exchange: Path, relay: Relay) -> Iterator[LoopbackLab]:
    lab = LoopbackLab(exchange, relay, healthy(tls=False))
    yield lab
    lab.stop()


@pytest.fixture
def tls_lab(exchange: Path, relay: Relay) -> Iterator[LoopbackLab]:
    lab = LoopbackLab(exchange, relay, healthy(tls=True))
    yield lab
    lab.stop()
