"""Acts on a real connection: what the peer sees, what the report says, and that all ends."""

from __future__ import annotations

import select
import socket
import struct
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

import pytest
from pynetdicom.dimse_primitives import C_STORE

from dicom.association.ends import Caller, Target, Timeouts
from dicom.association.tls import server_context
from dicom.association.upper_layer import ABORT
from dicom.datasets.part10 import Part10File
from dicom.errors import UsageError
from dicom.ladder import Rung
from modalities.commands import Report
from modalities.services.store import Store, store
from orchestrator.lab.certificates import CertificateStore
from tests.modalities.burst.conftest import tls_of
from tests.modalities.peers import Conversation, Script, ScriptedPeers
from tests.peers import LOOPBACK, PATIENCE

PATIENT = Timeouts(connect=PATIENCE, acse=PATIENCE, dimse=PATIENCE, network=PATIENCE)
#: How a connection ended for the peer, after how many bytes.
Ending = tuple[str, int]


def to_the_end(conversation: Conversation) -> Ending:
    seen = 0
    try:
        while data := conversation.connection.recv(1 << 16):
            seen += len(data)
    except ConnectionResetError:
        return "reset", seen
    return "closed", seen


def at_its_end(connection: socket.socket) -> bool:
    """Whether the other side has ended it, with nothing left to read."""
    connection.setblocking(False)
    try:
        return not connection.recv(1)
    except BlockingIOError:
        return False


def listening(endings: Queue[Ending], *, accept: bool = True) -> Script:
    def script(conversation: Conversation) -> None:
        if accept:
            conversation.accept()
        endings.put(to_the_end(conversation))

    return script


def stored(
    image: Part10File, target: Target, act: str, timeouts: Timeouts = PATIENT, files: int = 1
) -> Report:
    command = Store(
        target=target,
        caller=Caller(calling="CT", timeouts=timeouts),
        files=(str(image.path),) * files,
        misbehave=act,
    )
    return store(command, Path("/"), "ct")


def outcome(report: Report) -> tuple[Rung, str]:
    return report.outcome.rung, str(report.outcome.signature)


def test_a_reset_is_a_reset_for_the_peer(peers: ScriptedPeers, image: Part10File) -> None:
    endings: Queue[Ending] = Queue()
    report = stored(image, peers.play(listening(endings)), "hang-up 2000 reset")
    assert endings.get(timeout=PATIENCE)[0] == "reset"
    assert outcome(report) == (Rung.DIMSE, "reset")
    assert report.comment == "after 'hang-up after_bytes=2000': this side reset the connection"


def test_a_close_happens_at_its_byte(peers: ScriptedPeers, image: Part10File) -> None:
    endings: Queue[Ending] = Queue()
    report = stored(image, peers.play(listening(endings, accept=False)), "hang-up 100 close")
    assert endings.get(timeout=PATIENCE) == ("closed", 100)
    assert outcome(report) == (Rung.ASSOCIATE, "closed")


def test_silence_ends_with_our_patience(peers: ScriptedPeers, image: Part10File) -> None:
    endings: Queue[Ending] = Queue()
    impatient = PATIENT.model_copy(update={"acse": 0.1})
    target = peers.play(listening(endings, accept=False))
    report = stored(image, target, "half-request seconds=0.3", impatient)
    assert outcome(report) == (Rung.ASSOCIATE, "timeout")
    assert "no answer within 0.3 s" in report.comment
    ending, seen = endings.get(timeout=PATIENCE)
    assert ending == "closed"
    # half of it and nothing else, not even an A-ABORT
    assert seen < 200


def test_a_stall_ends_as_soon_as_the_peer_hangs_up(peers: ScriptedPeers, image: Part10File) -> None:
    def hangs_up(conversation: Conversation) -> None:
        conversation.accept()
        conversation.exactly(100)

    # far longer than the test may take: it must not be waited for
    report = stored(image, peers.play(hangs_up), "stall 600 seconds=60")
    assert report.outcome.rung is Rung.DIMSE
    assert report.outcome.signature is not None
    assert report.outcome.signature.kind in ("closed", "reset")


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_stall_over_tls_lasts_until_the_peer_itself_says_something(
    version: str, peers: ScriptedPeers, image: Part10File, tmp_path: Path
) -> None:
    # after a handshake of TLS 1.3 the server sends session tickets, which nobody said
    certificates = CertificateStore.create(tmp_path / "tls", {"ct": [], "archive": []})
    tls = tls_of(certificates).model_copy(update={"maximum_version": version})
    context = server_context(tls, tmp_path)
    impatient, aborted = bytes([ABORT, 0, 0, 0, 0, 4, 0, 0, 2, 0]), Queue[bool]()

    def aborts(conversation: Conversation) -> None:
        with context.wrap_socket(conversation.connection, server_side=True) as connection:
            heard, _, _ = select.select([connection], [], [], 0.3)
            aborted.put(not heard)
            connection.sendall(impatient)
            Conversation(connection).silence()

    target = peers.play(aborts).model_copy(update={"tls": tls})
    report = stored(image, target, "stall 0 seconds=60")
    assert aborted.get(timeout=PATIENCE)
    assert outcome(report) == (Rung.ASSOCIATE, "aborted 2/0")
    assert report.traces[0].pdus[0].sender == "acceptor"


def test_an_abort_reaches_the_peer_whole(peers: ScriptedPeers, image: Part10File) -> None:
    pdus: Queue[bytes] = Queue()

    def reads(conversation: Conversation) -> None:
        conversation.accept()
        while (pdu := conversation.pdu()) and pdu[0] != ABORT:
            pass
        pdus.put(pdu)

    report = stored(image, peers.play(reads), "abort 3000 provider 5")
    assert pdus.get(timeout=PATIENCE) == struct.pack(">BBLBBBB", ABORT, 0, 4, 0, 0, 2, 5)
    assert outcome(report) == (Rung.DIMSE, "closed")
    assert report.traces[0].end == "aborted"


def test_the_trace_has_what_really_went_out(peers: ScriptedPeers, image: Part10File) -> None:
    endings: Queue[Ending] = Queue()
    target = peers.play(listening(endings, accept=False))
    report = stored(image, target, "half-request close")
    (pdu,) = report.traces[0].pdus
    assert pdu.kind == "incomplete A-ASSOCIATE-RQ"
    assert pdu.fields["received"] == endings.get(timeout=PATIENCE)[1]


def test_held_connections_are_open_as_long_as_the_association(image: Part10File) -> None:
    endings: Queue[Ending] = Queue()

    def accept_three(listener: socket.socket) -> None:
        with ExitStack() as opened:
            held = [opened.enter_context(listener.accept()[0]) for _ in range(2)]
            with listener.accept()[0] as third:
                Conversation(third).pdu()
                for each in held:
                    assert each.recv(1 << 16).startswith(b"\x01\x00")
                    assert not at_its_end(each)
            for each in held:
                endings.put(to_the_end(Conversation(each)))

    with socket.create_server((LOOPBACK, 0)) as listener, ThreadPoolExecutor(1) as pool:
        listener.settimeout(PATIENCE)
        target = Target(host=LOOPBACK, port=listener.getsockname()[1], called="PEER")
        peer = pool.submit(accept_three, listener)
        report = stored(image, target, "held-connections 2 half-request")
        peer.result(PATIENCE)
    assert outcome(report)[0] is Rung.ASSOCIATE
    assert [endings.get_nowait(), endings.get_nowait()] == [("closed", 0)] * 2


def test_a_misbehaviour_that_could_not_come_about_is_an_error(
    peers: ScriptedPeers, image: Part10File
) -> None:
    def accepts_all(conversation: Conversation) -> None:
        conversation.accept()
        conversation.message()
        conversation.respond(0x0000, service=C_STORE)
        conversation.silence()

    impatient = PATIENT.model_copy(update={"acse": 0.2})
    with pytest.raises(UsageError, match="'stall after_bytes=5000000' never took place"):
        stored(image, peers.play(accepts_all), "stall 5000000", impatient)


def test_a_peer_that_refuses_first_is_what_is_reported(
    peers: ScriptedPeers, image: Part10File
) -> None:
    def rejects(conversation: Conversation) -> None:
        conversation.pdu()
        conversation.send(struct.pack(">BBLBBBB", 3, 0, 4, 0, 1, 1, 7))

    report = stored(image, peers.play(rejects), "stall 5000000")
    assert outcome(report) == (Rung.ASSOCIATE, "rejected 1/1/7")
