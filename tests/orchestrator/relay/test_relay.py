"""The relay between a client and a server whose every move the test decides."""

from __future__ import annotations

import contextlib
import errno
import select
import socket
from contextlib import ExitStack
from threading import Thread

import pytest

from orchestrator.errors import LabError
from orchestrator.machine.waiting import wait_until
from orchestrator.model.address import Address
from orchestrator.model.state import WireState
from orchestrator.relay import Relay, Wires
from tests.orchestrator.relay.conftest import (
    LINK,
    LOOPBACK,
    NOTHING,
    Peer,
    connect,
    connect_result,
    ended,
    is_silent,
    pair,
    receive,
    reset,
)
from tests.peers import PATIENCE


def test_a_link_carries_both_directions_unchanged(
    wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    client, server = pair(wire, peer, sockets)
    client.sendall(b"request")
    assert receive(server, 7) == b"request"
    server.sendall(b"response")
    assert receive(client, 8) == b"response"


def test_much_data_passes_whole_to_a_slow_receiver(
    wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    sent = bytes(range(256)) * 4 * 40_000
    client, server = pair(wire, peer, sockets)
    sender = Thread(target=client.sendall, args=(sent,))
    sender.start()
    assert receive(server, len(sent)) == sent
    sender.join(PATIENCE)


def test_a_sender_is_held_back_while_nobody_takes_what_it_sends(
    wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    client, _ = pair(wire, peer, sockets)
    client.setblocking(False)
    taken = 0
    while select.select([], [client], [], NOTHING)[1]:
        taken += client.send(b"x" * 65536)
        assert taken < 64 * 1024 * 1024, "the relay must not hold what the server doesn't take"


def test_the_end_of_one_direction_leaves_the_other_open(
    wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    client, server = pair(wire, peer, sockets)
    client.sendall(b"all I have")
    client.shutdown(socket.SHUT_WR)
    assert receive(server, 10) == b"all I have"
    assert server.recv(1) == b""
    server.sendall(b"heard")
    assert receive(client, 5) == b"heard"
    server.close()
    assert client.recv(1) == b""


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_reset_is_passed_on_as_a_reset(
    who: str, relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    client, server = pair(wire, peer, sockets)
    client.sendall(b"x")
    receive(server, 1)
    gone, other = (client, server) if who == "client" else (server, client)
    reset(gone)
    with pytest.raises(ConnectionResetError):
        other.recv(1)
    assert ended(relay) == "reset"


def test_the_last_words_of_a_server_that_resets_get_across(
    wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    client, server = pair(wire, peer, sockets)
    client.sendall(b"a request that the server will not read")
    server.sendall(b"A-ABORT")
    server.close()  # unread data makes this a reset
    assert receive(client, 7) == b"A-ABORT"


def test_the_last_words_get_across_even_to_a_client_that_is_still_sending(
    wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    client, server = pair(wire, peer, sockets)

    def send_until_refused() -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                client.sendall(b"x" * 65536)

    sender = Thread(target=send_until_refused)
    sender.start()
    receive(server, 1_000_000)
    server.sendall(b"A-ABORT")
    server.close()
    assert receive(client, 7) == b"A-ABORT"
    sender.join(PATIENCE)
    assert not sender.is_alive()


def test_a_server_that_refuses_makes_the_clients_connection_reset(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    peer.listener.close()
    client = connect(wire, sockets)
    client.sendall(b"request")
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    assert ended(relay) == "refused"
    assert relay.traces(LINK)[0].pdus == ()


def test_a_server_that_does_not_answer_the_connect_leaves_the_client_without_an_answer(
    relay: Relay, sockets: ExitStack
) -> None:
    behind = relay.link("unanswered", Address(LOOPBACK, 0), Address(LOOPBACK, 9))
    relay.set("unanswered", WireState(mode="drop"))
    wire = relay.link(LINK, Address(LOOPBACK, 0), behind)
    client = connect(wire, sockets)
    client.sendall(b"request")
    assert is_silent(client)
    client.close()
    assert ended(relay) == "timeout"
    assert relay.traces(LINK)[0].pdus == ()


def test_two_links_are_treated_each_in_its_own_way(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    other = relay.link("ct-peer", Address(LOOPBACK, 0), peer.address)
    relay.set(LINK, WireState(mode="reject"))
    assert connect_result(wire) == errno.ECONNREFUSED
    pair(other, peer, sockets)
    assert relay.links() == (LINK, "ct-peer")
    assert relay.state("ct-peer") == WireState()


def test_hundreds_of_connections_at_once(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    pairs = [pair(wire, peer, sockets) for _ in range(300)]
    for number, (client, _) in enumerate(pairs):
        client.sendall(b"%05d" % number)
    seen = sorted(int(receive(server, 5)) for _, server in pairs)
    assert seen == list(range(300))


def test_forgetting_keeps_the_trace_of_a_connection_that_is_still_open(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    first, _ = pair(wire, peer, sockets)
    pair(wire, peer, sockets)
    wait_until(lambda: len(relay.traces(LINK)) == 2, seconds=PATIENCE, what="two traces")
    reset(first)
    wait_until(lambda: relay.traces(LINK)[0].end == "reset", seconds=PATIENCE, what="the reset")
    relay.forget()
    (trace,) = relay.traces(LINK)
    assert trace.end == "open"
    assert trace.observer == f"wire {LINK}"


def test_stopping_ends_open_connections_and_gives_the_port_back(
    relay: Relay, wire: Address, peer: Peer, sockets: ExitStack
) -> None:
    client, server = pair(wire, peer, sockets)
    relay.stop()
    relay.stop()
    for end in (client, server):
        assert end.recv(1) == b""
    assert connect_result(wire) == errno.ECONNREFUSED
    with pytest.raises(LabError, match="stopped"):
        relay.set(LINK, WireState())


def test_names_and_addresses_that_can_not_be_used_are_explained(
    relay: Relay, wire: Address, peer: Peer
) -> None:
    with pytest.raises(LabError, match="'ct-peer'; there are: ct-archive"):
        relay.state("ct-peer")
    with pytest.raises(LabError, match="exists already"):
        relay.link(LINK, Address(LOOPBACK, 0), peer.address)
    with pytest.raises(LabError, match="Choose a free port"):
        relay.link("taken", Address(LOOPBACK, peer.address.port), peer.address)


def test_a_relay_is_wires(relay: Relay) -> None:
    wires: Wires = relay
    assert wires.links() == ()
