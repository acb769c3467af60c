"""A relay with one link, and servers whose every move a test decides."""

from __future__ import annotations

import errno
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from threading import enumerate as enumerate_threads

import pytest

from orchestrator.machine.waiting import wait_until
from orchestrator.model.address import Address
from orchestrator.relay import Relay
from tests.peers import PATIENCE

LOOPBACK = "127.0.0.1"
LINK = "ct-archive"
#: How long a test looks before it believes that nothing comes.
NOTHING = 0.1


@dataclass
class Peer:
    """A listening socket; the test accepts, reads, answers and closes by hand."""

    listener: socket.socket

    @property
    def address(self) -> Address:
        return Address(*self.listener.getsockname()[:2])

    def accept(self) -> socket.socket:
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        return connection


@pytest.fixture
def peer() -> Iterator[Peer]:
    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.settimeout(PATIENCE)
        yield Peer(listener)


@pytest.fixture
def relay() -> Iterator[Relay]:
    relay = Relay()
    yield relay
    relay.stop()
    assert [thread.name for thread in enumerate_threads() if thread.name == "relay"] == []


@pytest.fixture
def wire(relay: Relay, peer: Peer) -> Address:
    """Where clients connect; the link is called ``ct-archive``."""
    return relay.link(LINK, Address(LOOPBACK, 0), peer.address)


@pytest.fixture
def sockets() -> Iterator[ExitStack]:
    """Closes what a test opened."""
    with ExitStack() as stack:
        yield stack


def connect(address: Address, sockets: ExitStack) -> socket.socket:
    return sockets.enter_context(closing(socket.create_connection(address, timeout=PATIENCE)))


def receive(connection: socket.socket, count: int) -> bytes:
    """Exactly ``count`` bytes."""
    data = bytearray()
    while len(data) < count:
        chunk = connection.recv(count - len(data))
        assert chunk, f"expected {count} bytes, saw {len(data)} and then the end"
        data += chunk
    return bytes(data)


def pair(wire: Address, peer: Peer, sockets: ExitStack) -> tuple[socket.socket, socket.socket]:
    """A relayed connection: the client's socket and the server's."""
    client = connect(wire, sockets)
    return client, sockets.enter_context(closing(peer.accept()))


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def connect_result(address: Address) -> int:
    """0, or the error number of a connect; ETIMEDOUT if it stays unanswered."""
    with socket.socket() as client:
        client.settimeout(0.3)
        try:
            return client.connect_ex(address)
        except TimeoutError:
            return errno.ETIMEDOUT


def is_silent(connection: socket.socket) -> bool:
    return not select.select([connection], [], [], NOTHING)[0]


def ended(relay: Relay) -> str:
    """How the relay says that its one connection ended, once it has."""
    wait_until(lambda: relay.traces(LINK)[0].end != "open", seconds=PATIENCE, what="the end")
    return relay.traces(LINK)[0].end
