"""The relay as a process of its own, driven by its client as if it were in this one."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from dicom.control import ControlError
from orchestrator.errors import LabError
from orchestrator.machine.waiting import wait_until
from orchestrator.model.address import Address
from orchestrator.model.state import WireState
from orchestrator.relay import RelayClient, Wires
from tests.orchestrator.relay.conftest import LOOPBACK, Peer, connect, receive
from tests.peers import PATIENCE, reserved_port

pytestmark = pytest.mark.local


@pytest.fixture
def process() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = reserved_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.relay", "--control-port", str(port)],
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert b"control at" in process.stdout.readline()
        yield process, port
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_relay_in_another_process_is_wires_all_the_same(
    process: tuple[subprocess.Popen[bytes], int], peer: Peer, sockets: ExitStack
) -> None:
    wires: Wires = RelayClient(LOOPBACK, process[1])
    wire = wires.link("ct-archive", Address(LOOPBACK, 0), peer.address)
    assert wires.links() == ("ct-archive",)
    client = connect(wire, sockets)
    server = sockets.enter_context(peer.accept())
    client.sendall(b"GET / HTTP/1.1\r\n")
    assert receive(server, 16) == b"GET / HTTP/1.1\r\n"
    (trace,) = wires.traces("ct-archive")
    assert trace.pdus[0].kind == "not DICOM"
    state = WireState(mode="reject", delay_ms=7)
    wires.set("ct-archive", state)
    assert wires.state("ct-archive") == state
    with pytest.raises(ConnectionRefusedError):
        connect(wire, sockets)
    wait_until(
        lambda: wires.traces("ct-archive")[0].end == "reset", seconds=PATIENCE, what="the reset"
    )
    wires.forget()
    assert wires.traces("ct-archive") == ()


def test_what_the_relay_refuses_reaches_the_caller_in_its_own_words(
    process: tuple[subprocess.Popen[bytes], int],
) -> None:
    with pytest.raises(LabError, match="no link 'ct-peer'"):
        RelayClient(LOOPBACK, process[1]).state("ct-peer")


def test_a_relay_by_hand_is_told_its_links_on_the_command_line(
    peer: Peer, sockets: ExitStack
) -> None:
    wire = Address(LOOPBACK, reserved_port())
    link = ("ct-archive", str(wire), str(peer.address))
    words = [sys.executable, "-m", "orchestrator.relay", "--control-port", "0", "--link", *link]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as relay:
        try:
            assert relay.stdout is not None
            assert b"control at" in relay.stdout.readline()
            client = connect(wire, sockets)
            server = sockets.enter_context(peer.accept())
            client.sendall(b"hello")
            assert receive(server, 5) == b"hello"
        finally:
            relay.kill()


def test_a_link_that_makes_no_sense_is_a_wrong_command_line() -> None:
    words = [sys.executable, "-m", "orchestrator.relay", "--link", "ct-archive", "104", "x"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert "expected HOST:PORT such as 127.0.0.1:4242, saw '104'" in done.stderr


def test_sigterm_ends_it_and_its_client_says_so(
    process: tuple[subprocess.Popen[bytes], int],
) -> None:
    process[0].send_signal(signal.SIGTERM)
    assert process[0].wait(PATIENCE) == 0
    with pytest.raises(LabError, match="did not answer") as gone:
        RelayClient(LOOPBACK, process[1]).links()
    assert isinstance(gone.value.__cause__, ControlError)
