"""What each state of a wire does to new and to open connections."""

from __future__ import annotations

import errno
import time
from contextlib import ExitStack
from threading import Thread

import pytest

from orchestrator.model.address import Address
from orchestrator.model.state import WireState
from orchestrator.relay import Relay
from tests.orchestrator.relay.conftest import (
    LINK,
    Peer,
    connect,
    connect_result,
    ended,
    is_silent,
    pair,
    receive,
)
from tests.peers import PATIENCE


def test_drop_leaves_connects_unanswered_and_pass_answers_them_again(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(mode="drop"))
    assert connect_result(wire) in (errno.ETIMEDOUT, errno.EAGAIN)
    assert connect_result(wire) in (errno.ETIMEDOUT, errno.EAGAIN)
    relay.set(LINK, WireState())
    client, server = pair(wire, peer, sockets)
    client.sendall(b"x")
    assert receive(server, 1) == b"x"


def test_reject_refuses_connects_and_pass_answers_them_again(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(mode="reject"))
    assert connect_result(wire) == errno.ECONNREFUSED
    relay.set(LINK, WireState())
    pair(wire, peer, sockets)


def test_silent_accepts_hears_and_says_nothing(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(mode="silent"))
    client = connect(wire, sockets)
    client.sendall(b"hello?")
    assert is_silent(client)
    assert is_silent(peer.listener), "the server must not be bothered with a silent connection"
    client.close()
    assert ended(relay) == "closed by requestor"
    (heard,) = relay.traces(LINK)[0].pdus
    assert heard.kind == "not DICOM"


@pytest.mark.parametrize("mode", ["drop", "silent"])
def test_an_open_connection_stalls_and_goes_on_where_it_stopped(
    mode: str, relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    client, server = pair(wire, peer, sockets)
    client.sendall(b"before")
    receive(server, 6)
    relay.set(LINK, WireState.model_validate({"mode": mode}))
    client.sendall(b"meanwhile")
    server.sendall(b"answer")
    assert is_silent(server)
    assert is_silent(client)
    relay.set(LINK, WireState())
    assert receive(server, 9) == b"meanwhile"
    assert receive(client, 6) == b"answer"


def test_reject_resets_open_connections(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    client, server = pair(wire, peer, sockets)
    relay.set(LINK, WireState(mode="reject"))
    for end in (client, server):
        with pytest.raises(ConnectionResetError):
            end.recv(1)


@pytest.mark.parametrize("after", [0, 1, 7, 300_000])
def test_a_cut_lets_exactly_so_many_bytes_through_and_resets_both_ends(
    after: int, relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(cut_after_bytes=after))
    client, server = pair(wire, peer, sockets)
    client.sendall(b"x" * max(after, 1))
    assert receive(server, after) == b"x" * after
    for end in (client, server):
        with pytest.raises(ConnectionResetError):
            end.recv(1)
    assert ended(relay) == "reset"


def test_a_cut_can_close_instead(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(cut_after_bytes=3, cut_with="close"))
    client, server = pair(wire, peer, sockets)
    client.sendall(b"123456")
    assert receive(server, 3) == b"123"
    assert server.recv(1) == b""
    assert client.recv(1) == b""
    assert ended(relay) == "closed by acceptor"


def test_bytes_from_the_server_do_not_count_towards_a_cut(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(cut_after_bytes=10))
    client, server = pair(wire, peer, sockets)
    server.sendall(b"x" * 1000)
    assert receive(client, 1000) == b"x" * 1000
    client.sendall(b"123456789")
    assert receive(server, 9) == b"123456789"


def test_delay_holds_each_direction_back(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(delay_ms=150))
    client, server = pair(wire, peer, sockets)
    began = time.monotonic()
    for _ in range(20):
        client.sendall(b"x" * 50_000)
    assert receive(server, 1_000_000) == b"x" * 1_000_000
    server.sendall(b"ok")
    assert receive(client, 2) == b"ok"
    assert time.monotonic() - began >= 0.3, "two directions of 150 ms each"


def test_what_is_on_a_long_way_is_stopped_there_too(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(delay_ms=60))
    client, server = pair(wire, peer, sockets)
    client.sendall(b"on its way")
    relay.set(LINK, WireState(delay_ms=60, mode="drop"))
    assert is_silent(server)
    relay.set(LINK, WireState(delay_ms=60))
    assert receive(server, 10) == b"on its way"


def test_bandwidth_is_not_exceeded(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(bytes_per_second=200_000))
    client, server = pair(wire, peer, sockets)
    began = time.monotonic()
    sender = Thread(target=client.sendall, args=(b"x" * 100_000,))
    sender.start()
    receive(server, 100_000)
    assert time.monotonic() - began >= 0.45
    sender.join(PATIENCE)


def test_the_end_of_a_delayed_connection_comes_after_its_bytes(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(delay_ms=50))
    client, server = pair(wire, peer, sockets)
    client.sendall(b"last")
    client.close()
    assert receive(server, 4) == b"last"
    assert server.recv(1) == b""


def test_a_state_that_another_mechanism_carries_out_leaves_the_relay_transparent(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    relay.set(LINK, WireState(how="filter", mode="drop"))
    pair(wire, peer, sockets)
