"""Each rung, and each signature that can be seen there, told apart on the wire (without TLS)."""

from __future__ import annotations

import _socket
import socket
from pathlib import Path
from threading import Event

import pytest
from pynetdicom.dimse_messages import C_ECHO_RQ
from pynetdicom.dimse_primitives import C_ECHO, C_STORE
from pynetdicom.pdu import P_DATA_TF

from dicom.association.ends import Caller, Target
from dicom.dimse.scu import VERIFICATION, message_of
from dicom.ladder import Rung, Signature
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.nodes.node import ModalityNode
from modalities.services.echo import Echo
from modalities.services.listen import Listen
from modalities.services.store import Store
from tests.modalities.peers import Conversation, Script, ScriptedPeers, impatient
from tests.peers import LOOPBACK

RELEASE_REQUEST = bytes.fromhex("0500 0000 0004 0000 0000")
RELEASE_RESPONSE = bytes.fromhex("0600 0000 0004 0000 0000")
ABORT_BY_USER = bytes.fromhex("0700 0000 0004 0000 0000")


def stopped_at(report: Report) -> str:
    return f"{report.outcome.rung.value}: {report.outcome.signature}"


def abort(source: int, reason: int) -> bytes:
    return bytes([7, 0, 0, 0, 0, 4, 0, 0, source, reason])


def reject(result: int, source: int, reason: int) -> bytes:
    return bytes([3, 0, 0, 0, 0, 4, 0, result, source, reason])


def hang_up(peer: Conversation) -> None:
    peer.pdu()


class TestResolveAndConnect:
    def test_a_name_that_no_resolver_knows_is_unresolved(
        self, node: ModalityNode, caller: Caller
    ) -> None:
        target = Target(host="archive.invalid", port=104, called="PEER")
        report = node.run(Echo(target=target, caller=caller))
        assert stopped_at(report) == "resolve: unresolved"
        assert "archive.invalid" in report.comment
        assert report.traces[0].end == "unresolved"

    def test_a_name_that_is_no_name_is_unresolved(self, node: ModalityNode, caller: Caller) -> None:
        target = Target(host="a" * 70 + ".invalid", port=104, called="PEER")
        assert stopped_at(node.run(Echo(target=target, caller=caller))) == "resolve: unresolved"

    def test_a_port_where_nothing_listens_is_refused(
        self, node: ModalityNode, caller: Caller
    ) -> None:
        with socket.socket() as bound:
            bound.bind((LOOPBACK, 0))
            target = Target(host=LOOPBACK, port=bound.getsockname()[1], called="PEER")
            report = node.run(Echo(target=target, caller=caller))
        assert stopped_at(report) == "connect: refused"
        assert report.traces[0].end == "refused"
        assert report.traces[0].pdus == ()

    def test_a_connect_that_nobody_answers_times_out(
        self, node: ModalityNode, caller: Caller
    ) -> None:
        # a listener whose accept queue is full ignores further connects, as a firewall's DROP does
        hasty = impatient(caller, connect=0.3)
        with socket.create_server((LOOPBACK, 0), backlog=0) as full:
            target = Target(host=LOOPBACK, port=full.getsockname()[1], called="PEER")
            with socket.create_connection(full.getsockname()):
                report = node.run(Echo(target=target, caller=hasty))
        assert stopped_at(report) == "connect: timeout"

    def test_an_address_that_no_route_leads_to_is_unreachable(
        self, node: ModalityNode, caller: Caller
    ) -> None:
        target = Target(host="255.255.255.255", port=104, called="PEER")
        assert stopped_at(node.run(Echo(target=target, caller=caller))) == "connect: unreachable"

    def test_a_reset_instead_of_a_connection_is_a_reset(
        self, node: ModalityNode, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def reset(*_: object) -> socket.socket:
            raise ConnectionResetError(104, "Connection reset by peer")

        monkeypatch.setattr(socket, "create_connection", reset)
        target = Target(host=LOOPBACK, port=104, called="PEER")
        assert stopped_at(node.run(Echo(target=target, caller=caller))) == "connect: reset"


class TestAssociate:
    @pytest.mark.parametrize("codes", [(1, 1, 7), (1, 1, 3), (1, 2, 1), (2, 3, 2), (1, 1, 9)])
    def test_a_rejection_is_reported_with_its_three_codes(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers, codes: tuple[int, ...]
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.pdu()
            peer.send(reject(*codes))

        report = node.run(Echo(target=peers.play(script), caller=caller))
        assert stopped_at(report) == "associate: rejected {}/{}/{}".format(*codes)
        assert report.traces[0].end == "rejected"

    @pytest.mark.parametrize("codes", [(0, 0), (2, 0), (2, 2)])
    def test_an_abort_is_reported_with_its_two_codes(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers, codes: tuple[int, ...]
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.pdu()
            peer.send(abort(*codes))

        report = node.run(Echo(target=peers.play(script), caller=caller))
        assert stopped_at(report) == "associate: aborted {}/{}".format(*codes)

    def test_a_connection_closed_without_a_pdu_is_closed(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        report = node.run(Echo(target=peers.play(hang_up), caller=caller))
        assert stopped_at(report) == "associate: closed"
        assert report.traces[0].end == "closed by acceptor"

    def test_a_reset_is_not_a_close(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.pdu()
            peer.reset()

        report = node.run(Echo(target=peers.play(script), caller=caller))
        assert stopped_at(report) == "associate: reset"
        assert report.traces[0].end == "reset"

    def test_silence_is_a_timeout_and_is_ended_with_an_abort(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        hasty = impatient(caller, acse=0.4)
        report = node.run(Echo(target=peers.play(lambda peer: peer.silence()), caller=hasty))
        assert stopped_at(report) == "associate: timeout"
        assert report.traces[0].end == "timeout"
        assert [pdu.kind for pdu in report.traces[0].pdus] == ["A-ASSOCIATE-RQ", "A-ABORT"]

    @pytest.mark.parametrize(
        "garbage",
        [
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            b"\x15\x03\x03\x00\x02\x02\x28",
            b"X",
            b"\x02\x00\xff\xff\xff\xff",
            b"\x02\x00\x00\x00\x00\x04\x00\x01\x00\x00",
            b"\x06\x00\x00\x00\x00\x04\x00\x00\x00\x00",
        ],
        ids=["HTTP", "TLS", "one byte", "absurd length", "truncated AC", "unexpected PDU"],
    )
    def test_an_answer_that_is_no_association_answer_is_not_dicom(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers, garbage: bytes
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.pdu()
            peer.send(garbage)
            peer.silence()

        report = node.run(Echo(target=peers.play(script), caller=caller))
        assert stopped_at(report) == "associate: not-dicom"
        assert report.comment

    def test_half_an_acceptance_then_the_end_is_closed(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.send(peer.acceptance()[:40])

        report = node.run(Echo(target=peers.play(script), caller=caller))
        assert stopped_at(report) == "associate: closed"
        assert "after 40 bytes" in report.comment
        assert report.traces[0].pdus[-1].kind == "incomplete A-ASSOCIATE-AC"

    def test_half_an_acceptance_then_silence_is_a_timeout(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.send(peer.acceptance()[:40])
            peer.silence()

        hasty = impatient(caller, acse=0.4)
        report = node.run(Echo(target=peers.play(script), caller=hasty))
        assert stopped_at(report) == "associate: timeout"


class TestNegotiate:
    @pytest.mark.parametrize("result", [1, 2, 3, 4])
    def test_a_refused_context_is_reported_with_its_result(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers, result: int
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.accept(result=result)
            peer.pdu()

        report = node.run(Echo(target=peers.play(script), caller=caller))
        assert stopped_at(report) == f"negotiate: context {result}"

    def test_an_object_whose_context_is_refused_does_not_stop_the_others(
        self, node: ModalityNode, caller: Caller, tmp_path: Path
    ) -> None:
        files = [
            written.path.name
            for syntax in ("ExplicitVRLittleEndian", "ExplicitVRBigEndian")
            for written in write_study(
                tmp_path / syntax, "CT", images=1, rows=16, columns=16, transfer_syntax=syntax
            )
        ]
        explicit = "1.2.840.10008.1.2.1"
        listen = Listen(aetitle="WS", port=0, accepted_transfer_syntaxes=(explicit,))
        port = node.run(listen).port
        names = (f"ExplicitVRBigEndian/{files[1]}", f"ExplicitVRLittleEndian/{files[0]}")
        target = Target(host=LOOPBACK, port=port, called="WS")
        report = node.run(Store(target=target, caller=caller, files=names))
        assert stopped_at(report) == "negotiate: context 4"
        assert [str(seen.outcome.signature) for seen in report.objects] == ["context 4", "None"]
        assert report.objects[1].outcome.rung is Rung.DIMSE


class TestDimse:
    def echo_to(self, node: ModalityNode, target: Target, caller: Caller) -> Report:
        return node.run(Echo(target=target, caller=caller))

    def test_a_failure_status_comes_with_the_peers_own_words(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.accept()
            peer.message()
            peer.respond(0x0122, "no such thing here")
            peer.pdu()

        report = self.echo_to(node, peers.play(script), caller)
        assert stopped_at(report) == "dimse: status 0x0122"
        assert report.comment == "no such thing here"

    def test_a_path_in_the_peers_own_words_is_told_whole(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.accept()
            peer.message()
            peer.respond(0xA700, r"no space on D:\images")
            peer.pdu()

        report = self.echo_to(node, peers.play(script), caller)
        assert report.comment == r"no space on D:\images"

    @pytest.mark.parametrize(
        ("ending", "expected"),
        [
            (lambda peer: peer.send(ABORT_BY_USER), "aborted 0/0"),
            (lambda peer: peer.send(abort(2, 1)), "aborted 2/1"),
            (lambda _: None, "closed"),
            (lambda peer: peer.reset(), "reset"),
            (lambda peer: peer.silence(), "timeout"),
            (lambda peer: peer.send(b"\x05\x00\x00\x00\x00\x04\x00\x00\x00\x00"), "closed"),
            (lambda peer: peer.send(b"GET / HTTP/1.0"), "closed"),
        ],
        ids=["abort", "provider abort", "close", "reset", "silence", "release", "garbage"],
    )
    def test_how_the_peer_ended_instead_of_answering_is_exact(
        self,
        node: ModalityNode,
        caller: Caller,
        peers: ScriptedPeers,
        ending: Script,
        expected: str,
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.accept()
            peer.message()
            ending(peer)

        if expected == "timeout":
            caller = impatient(caller, dimse=0.4)
        report = self.echo_to(node, peers.play(script), caller)
        assert stopped_at(report) == f"dimse: {expected}"

    @pytest.mark.filterwarnings("ignore:End of file reached")
    def test_a_response_that_no_one_can_read_is_aborted_by_us(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.accept()
            peer.message()
            command = b"\xff" * 20
            length = len(command) + 2
            header = b"\x04\x00" + (length + 4).to_bytes(4, "big") + length.to_bytes(4, "big")
            peer.send(header + b"\x01\x03" + command)
            assert peer.pdu()[0] == 0x07

        report = self.echo_to(node, peers.play(script), caller)
        assert stopped_at(report) == "dimse: aborted 2/6"
        assert "can't be decoded" in report.comment

    def test_a_message_without_a_status_is_no_response(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        request = C_ECHO()
        request.MessageID, request.AffectedSOPClassUID = 1, VERIFICATION

        def script(peer: Conversation) -> None:
            peer.accept()
            peer.message()
            for primitive in message_of(C_ECHO_RQ(), request).encode_msg(1, 16384):
                peer.send(P_DATA_TF(primitive).encode())
            peer.pdu()

        report = self.echo_to(node, peers.play(script), caller)
        assert stopped_at(report) == "dimse: aborted 2/6"
        assert report.comment == "C_ECHO without a status"

    def test_an_abort_that_cuts_into_a_large_object_is_seen_as_the_abort(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers, tmp_path: Path
    ) -> None:
        # what the peer said last is the cause, even though our own sending fails before we read it
        large = write_study(tmp_path, "CT", images=2, rows=2048, columns=2048)

        def script(peer: Conversation) -> None:
            peer.accept()
            peer.pdu()
            peer.pdu()
            peer.send(abort(2, 6))

        report = node.run(
            Store(
                target=peers.play(script),
                caller=caller,
                files=tuple(written.path.name for written in large),
            )
        )
        assert stopped_at(report) == "dimse: aborted 2/6"
        assert [str(seen.outcome.signature) for seen in report.objects] == ["aborted 2/6"] * 2
        assert peers.connections == 1

    def test_a_peer_that_stops_reading_times_out(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers, tmp_path: Path
    ) -> None:
        write_study(tmp_path, "CT", images=1, rows=3000, columns=3000)
        done = Event()

        def script(peer: Conversation) -> None:
            peer.accept()
            done.wait(10)

        hasty = impatient(caller, network=0.3)
        report = node.run(Store(target=peers.play(script), caller=hasty, files=("ct-1-0001.dcm",)))
        done.set()
        assert stopped_at(report) == "dimse: timeout"
        assert "took no more data" in report.comment

    def test_a_failure_status_concerns_its_object_only(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers, study: list[WrittenFile]
    ) -> None:
        statuses = iter([0x0000, 0xA700, 0xB000])

        def script(peer: Conversation) -> None:
            peer.accept()
            for status in statuses:
                peer.message()
                peer.respond(status, "out of resources", service=C_STORE)
            peer.pdu()

        report = node.run(
            Store(
                target=peers.play(script),
                caller=caller,
                files=tuple(written.path.name for written in study),
            )
        )
        assert stopped_at(report) == "dimse: status 0xA700"
        assert [seen.outcome.signature for seen in report.objects] == [
            None,
            Signature.parse("status 0xA700"),
            None,
        ]
        assert report.objects[2].comment.startswith("warning 0xB000")

    @pytest.mark.parametrize("limit", [128, 1024, 1025, 16384])
    def test_no_pdu_is_longer_than_the_peer_announced(
        self,
        node: ModalityNode,
        caller: Caller,
        peers: ScriptedPeers,
        study: list[WrittenFile],
        limit: int,
    ) -> None:
        lengths: list[int] = []

        def script(peer: Conversation) -> None:
            peer.accept(max_pdu=limit)
            # PS3.8 annex D.1: the limit is on the PDV list, that is the PDU without its header
            while True:
                pdu = peer.pdu()
                if not pdu or pdu[0] != 0x04:
                    return
                lengths.append(len(pdu) - 6)
                if pdu[11] == 0x02:
                    peer.respond(0x0000, service=C_STORE)

        files = (study[0].path.name,)
        report = node.run(Store(target=peers.play(script), caller=caller, files=files))
        assert stopped_at(report) == "dimse: None"
        assert max(lengths) <= limit
        assert all(length % 2 == 0 for length in lengths)

    def test_every_step_uses_one_connection(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        # an extra or silent connection would disturb an archive that serves one at a time (F22a)
        def script(peer: Conversation) -> None:
            peer.accept()
            peer.message()
            peer.respond(0x0000)
            peer.pdu()
            peer.send(b"\x06\x00\x00\x00\x00\x04\x00\x00\x00\x00")

        report = self.echo_to(node, peers.play(script), caller)
        assert report.outcome.succeeded
        assert report.traces[0].end == "released"
        assert peers.connections == 1

    def test_both_ends_send_small_pdus_at_once(
        self, node: ModalityNode, caller: Caller, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at_once: set[int] = set()

        def setsockopt(connection: socket.socket, *option: int) -> None:
            _socket.socket.setsockopt(connection, *option)
            if option == (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1):
                at_once.add(connection.getsockname()[1])

        monkeypatch.setattr(socket.socket, "setsockopt", setsockopt, raising=False)
        port = node.run(Listen(aetitle="PEER", port=0)).port
        target = Target(host=LOOPBACK, port=port, called="PEER")
        assert self.echo_to(node, target, caller).outcome.succeeded
        assert port in at_once
        assert len(at_once) == 2

    def test_a_release_at_the_same_time_as_ours_is_answered(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        heard: list[int] = []

        def script(peer: Conversation) -> None:
            peer.accept()
            peer.message()
            peer.respond(0x0000)
            heard.append(peer.pdu()[0])
            peer.send(RELEASE_REQUEST)
            heard.append(peer.pdu()[0])
            peer.send(RELEASE_RESPONSE)

        report = self.echo_to(node, peers.play(script), caller)
        assert report.outcome.succeeded
        assert report.traces[0].end == "released"
        peers.stop()
        assert heard == [0x05, 0x06]

    def test_a_release_instead_of_an_answer_is_answered(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        heard: list[int] = []

        def script(peer: Conversation) -> None:
            peer.accept()
            peer.message()
            peer.send(RELEASE_REQUEST)
            heard.append(peer.pdu()[0])

        report = self.echo_to(node, peers.play(script), caller)
        assert stopped_at(report) == "dimse: closed"
        peers.stop()
        assert heard == [0x06]

    def test_every_request_of_an_association_has_a_message_id_of_its_own(
        self, node: ModalityNode, caller: Caller, study: list[WrittenFile]
    ) -> None:
        port = node.run(Listen(aetitle="PEER", port=0)).port
        report = node.run(
            Store(
                target=Target(host=LOOPBACK, port=port, called="PEER"),
                caller=caller,
                files=tuple(written.path.name for written in study),
            )
        )
        requests = [pdu for pdu in report.traces[0].pdus if pdu.kind == "P-DATA-TF C-STORE-RQ"]
        assert [pdu.fields["message_id"] for pdu in requests] == [1, 2, 3]

    def test_a_peer_that_talks_on_after_a_release_request_is_left(
        self, node: ModalityNode, caller: Caller, peers: ScriptedPeers
    ) -> None:
        left: list[bool] = []

        def script(peer: Conversation) -> None:
            peer.accept()
            peer.message()
            peer.respond(0x0000)
            peer.pdu()
            try:
                for _ in range(1_000_000):
                    peer.respond(0x0000)
            except OSError:
                left.append(True)

        hasty = impatient(caller, acse=2.0)
        report = self.echo_to(node, peers.play(script), hasty)
        assert report.outcome.succeeded
        assert report.traces[0].end == "closed by requestor"
        peers.stop()
        assert left == [True]
