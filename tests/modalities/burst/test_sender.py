"""One association of a burst, against storage SCPs that misbehave in every way there is."""

from __future__ import annotations

import socket
import tracemalloc
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from threading import Event

import pytest
from pynetdicom.pdu import P_DATA_TF

from dicom.association.ends import Caller, Target
from dicom.datasets.part10 import inspect
from dicom.dimse.scu import store_request
from dicom.errors import UsageError
from dicom.ladder import Rung
from modalities.burst.objects import StorageObject, Stream, from_file
from modalities.burst.report import AssociationReport
from modalities.burst.sender import BurstSender
from modalities.generation import write_study
from modalities.services.store import Store, store
from tests.modalities.burst.conversations import (
    CT,
    EXPLICIT,
    RELEASE_REQUEST,
    RELEASE_RESPONSE,
    Received,
    abort,
    objects,
    read_message,
    response,
    stream,
    take_all,
)
from tests.modalities.peers import Conversation, Script, ScriptedPeers, impatient
from tests.peers import LOOPBACK

MEGABYTE = 1 << 20


def send(target: Target, caller: Caller, items: list[StorageObject]) -> AssociationReport:
    return BurstSender(target, caller, stream(items), None).run()


def stopped_at(report: AssociationReport) -> str:
    return f"{report.outcome.rung.value}: {report.outcome.signature}"


class TestWhatArrives:
    def test_every_object_arrives_whole_and_in_order(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        received = Received()
        target = peers.play(lambda peer: take_all(peer, received))
        items = [*objects(3, 100_000), *objects(2, 7)]
        report = send(target, caller, items)
        assert received.datasets == [item.source for item in items]
        assert received.message_ids == [1, 2, 3, 4, 5]
        assert report.outcomes == {"0x0000": 5}
        assert report.bytes == 3 * 100_000 + 2 * 7
        assert (report.outcome.signature, report.failures, report.planned) == (None, (), 5)

    @pytest.mark.parametrize("limit", [128, 4096, 5000, 16384, 131072, 0])
    def test_the_connection_carries_the_bytes_that_pynetdicom_would_write(
        self, peers: ScriptedPeers, caller: Caller, limit: int
    ) -> None:
        item = objects(1, 300_001)[0]
        message = store_request(1, item.sop_class_uid, item.sop_instance_uid)
        assert isinstance(item.source, bytes)
        message.data_set = BytesIO(item.source)
        expected = b"".join(
            P_DATA_TF(each).encode() for each in message.encode_msg(1, limit or 1 << 17)
        )
        seen: list[bytes] = []

        def script(peer: Conversation) -> None:
            peer.accept(max_pdu=limit)
            seen.append(peer.exactly(len(expected)))
            peer.send(response(1))
            assert peer.pdu()[0] == 0x05
            peer.send(RELEASE_RESPONSE)

        report = send(peers.play(script), caller, [item])
        assert report.outcomes == {"0x0000": 1}
        assert seen == [expected]

    def test_message_ids_begin_anew_after_the_last_that_there_is(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        received = Received()
        target = peers.play(lambda peer: take_all(peer, received))
        sender = BurstSender(target, caller, stream(objects(4)), None)
        sender._message_id = 0xFFFD  # as after 65,533 objects
        assert sender.run().outcomes == {"0x0000": 4}
        assert received.message_ids == [0xFFFE, 0xFFFF, 1, 2]

    def test_a_file_far_larger_than_what_is_kept_of_it_is_streamed(
        self, peers: ScriptedPeers, caller: Caller, tmp_path: Path
    ) -> None:
        size = 256 * MEGABYTE
        path = tmp_path / "large"
        with path.open("wb") as file:
            file.truncate(size)
        seen: list[int] = []

        def script(peer: Conversation) -> None:
            peer.accept(max_pdu=1 << 30)  # one PDU longer than anything that should be kept
            peer.pdu()
            header, count, buffer = peer.exactly(12), 0, bytearray(MEGABYTE)
            while count < size:
                count += peer.connection.recv_into(buffer)
            seen.append(int.from_bytes(header[6:10], "big") - 2)
            peer.send(response(1))
            peer.pdu()
            peer.send(RELEASE_RESPONSE)

        item = StorageObject("large", CT, "2.25.1", EXPLICIT, path)
        tracemalloc.start()
        try:
            report = send(peers.play(script), caller, [item])
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert report.outcomes == {"0x0000": 1}
        assert seen == [size]
        assert most < 64 * MEGABYTE

    def test_objects_are_asked_for_as_they_are_sent(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        received = Received()
        ahead: list[int] = []

        def made() -> Iterator[StorageObject]:
            for number, item in enumerate(objects(5)):
                ahead.append(number - len(received.message_ids))
                yield item

        target = peers.play(lambda peer: take_all(peer, received))
        planned = Stream(made(), ((CT, EXPLICIT),), 5)
        report = BurstSender(target, caller, planned, None).run()
        assert report.outcomes == {"0x0000": 5}
        assert max(ahead) <= 1
        assert report.making > 0


class TestResponses:
    def test_each_status_is_counted_and_failures_concern_their_object_only(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        statuses = [(0xA700, "disk full"), (0xB000, "coerced"), (0x0000, ""), (0xC123, "")]
        target = peers.play(lambda peer: take_all(peer, Received(), statuses))
        report = send(target, caller, objects(6))
        assert report.outcomes == {"0xA700": 1, "0xB000": 1, "0x0000": 3, "0xC123": 1}
        assert report.outcome.succeeded
        first, second = report.failures
        assert (str(first.outcome.signature), first.comment) == ("status 0xA700", "disk full")
        assert (first.file, second.file) == ("object 1", "object 4")

    @pytest.mark.parametrize("cut", [1, 5, 6, 11, 12, 20])
    def test_a_response_may_arrive_in_any_number_of_segments(
        self, peers: ScriptedPeers, caller: Caller, cut: int
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.accept()
            for number in (1, 2):
                read_message(peer, Received())
                answer = response(number)
                for begin in range(0, len(answer), cut):
                    peer.send(answer[begin : begin + cut])
            peer.pdu()
            peer.send(RELEASE_RESPONSE)

        report = send(peers.play(script), caller, objects(2))
        assert report.outcomes == {"0x0000": 2}

    def test_a_response_may_be_cut_into_fragments_and_pdus(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.accept()
            read_message(peer, Received())
            command = response(1)[12:]
            for part, control in ((command[:40], 0x01), (command[40:], 0x03)):
                value = (len(part) + 2).to_bytes(4, "big") + bytes([1, control]) + part
                peer.send(b"\x04\x00" + len(value).to_bytes(4, "big") + value)
            peer.pdu()
            peer.send(RELEASE_RESPONSE)

        assert send(peers.play(script), caller, objects(1)).outcomes == {"0x0000": 1}

    def test_a_response_that_comes_before_the_object_is_sent_counts_all_the_same(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        received = Received()

        def script(peer: Conversation) -> None:
            peer.accept()
            peer.send(response(1, 0xA700, "no"))
            read_message(peer, received)
            read_message(peer, received)
            peer.send(response(2))
            peer.pdu()
            peer.send(RELEASE_RESPONSE)

        items = objects(2, 30 * MEGABYTE)
        report = send(peers.play(script), caller, items)
        assert report.outcomes == {"0xA700": 1, "0x0000": 1}
        assert received.datasets == [item.source for item in items]

    def test_an_answer_to_another_message_is_not_taken_for_ours(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.accept()
            read_message(peer, Received())
            peer.send(response(9))
            assert peer.pdu()[0] == 0x07

        report = send(peers.play(script), caller, objects(1))
        assert stopped_at(report) == "dimse: aborted 2/6"
        assert report.comment == "C_STORE to message 9; expected to 1"


class TestContexts:
    def test_objects_whose_context_is_refused_do_not_stop_the_others(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        received = Received()
        other = objects(2, syntax="1.2.840.10008.1.2")

        def script(peer: Conversation) -> None:
            acceptance = bytearray(peer.acceptance())
            second = acceptance.index(b"\x21\x00", acceptance.index(b"\x21\x00") + 1)
            acceptance[second + 6] = 4
            peer.send(bytes(acceptance))
            while read_message(peer, received):
                peer.send(response(received.message_ids[-1]))
            peer.send(RELEASE_RESPONSE)

        items = [objects(1)[0], *other, *objects(2)]
        report = send(peers.play(script), caller, items)
        assert report.outcomes == {"0x0000": 3, "context 4": 2}
        assert [failure.outcome.rung for failure in report.failures] == [Rung.NEGOTIATE] * 2
        assert len(received.datasets) == 3

    def test_an_object_in_a_context_that_its_stream_does_not_name_is_an_error(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        target = peers.play(lambda peer: take_all(peer, Received()))
        wrong = Stream(objects(1, syntax="1.2.840.10008.1.2"), ((CT, EXPLICIT),), 1)
        with pytest.raises(UsageError, match="expected an object in one of the 1 contexts"):
            BurstSender(target, caller, wrong, None).run()


def _reads_half_then(last: Callable[[Conversation], None]) -> Script:
    """Take the command and a little of a dataset, say one thing, and read no more."""

    def script(peer: Conversation) -> None:
        peer.accept()
        peer.pdu()
        peer.pdu()
        last(peer)

    return script


def _answers(data: bytes) -> Script:
    """Read the A-ASSOCIATE-RQ, answer it with ``data``, and close."""

    def script(peer: Conversation) -> None:
        peer.pdu()
        peer.send(data)

    return script


class TestPeersThatEndIt:
    @pytest.mark.parametrize(
        "ending",
        [
            lambda peer: peer.send(abort(0, 0)),
            lambda peer: peer.send(abort(2, 6)),
            lambda _: None,
            lambda peer: peer.reset(),
            Conversation.silence,
            lambda peer: peer.send(RELEASE_REQUEST),
            lambda peer: peer.send(b"GET / HTTP/1.0"),
            lambda peer: peer.send(response(1, 0xA700, "no space")),
            lambda peer: peer.send(response(1, 0xB000)),
        ],
        ids=[
            *("abort", "provider", "close", "reset", "silence"),
            *("release", "garbage", "status", "warning"),
        ],
    )
    def test_every_ending_reads_as_it_does_for_a_simple_store(
        self, peers: ScriptedPeers, caller: Caller, tmp_path: Path, ending: Script
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.accept()
            peer.message()
            ending(peer)

        (written,) = write_study(tmp_path, "CT", images=1, rows=64, columns=64)
        target = peers.play(script)
        name = str(written.path)
        if ending is Conversation.silence:
            caller = impatient(caller, dimse=0.4)
        simple = store(Store(target=target, caller=caller, files=(name,)), tmp_path, "ct")
        report = send(target, caller, [from_file(inspect(written.path))])
        (expected,) = simple.objects
        if expected.outcome.succeeded:
            assert "warning 0xB000" in expected.comment
            assert report.outcomes == {"0xB000": 1}
            return
        (failure,) = report.failures
        assert failure == expected

    @pytest.mark.parametrize(
        "script",
        [
            _answers(b""),
            _answers(bytes.fromhex("0300 0000 0004 0001 0107")),
            lambda peer: (peer.accept(result=3), peer.pdu()),
            Conversation.silence,
            _answers(b"\x15\x03\x03\x00\x02\x02\x28"),
        ],
        ids=["close", "reject", "context", "silence", "TLS"],
    )
    def test_what_stops_it_before_any_object_reads_the_same_too(
        self, peers: ScriptedPeers, caller: Caller, tmp_path: Path, script: Script
    ) -> None:
        (written,) = write_study(tmp_path, "CT", images=1, rows=16, columns=16)
        target = peers.play(script)
        name = str(written.path)
        if script is Conversation.silence:
            caller = impatient(caller, acse=0.4)
        simple = store(Store(target=target, caller=caller, files=(name,)), tmp_path, "ct")
        report = send(target, caller, [from_file(inspect(written.path))] * 3)
        failure = report.failures[0] if report.failures else report
        assert failure.outcome == simple.outcome
        assert failure.comment == simple.comment
        assert report.outcomes == {str(simple.outcome.signature): 3}

    @pytest.mark.parametrize(
        ("last", "expected"),
        [
            (lambda peer: peer.send(abort(2, 6)), "aborted 2/6"),
            (lambda peer: peer.send(abort(0, 0)), "aborted 0/0"),
            (lambda peer: peer.send(RELEASE_REQUEST), "closed"),
            (lambda peer: peer.send(b"GET / HTTP/1.0"), "closed"),
            (lambda peer: peer.connection.shutdown(socket.SHUT_WR), "closed"),
            (lambda peer: peer.send(response(1, 0xA700) + abort(0, 0)), "status 0xA700"),
        ],
        ids=["abort", "user abort", "release", "garbage", "half-closed", "status and abort"],
    )
    def test_a_peer_that_gives_up_and_reads_no_more_is_heard(
        self, peers: ScriptedPeers, caller: Caller, last: Script, expected: str
    ) -> None:
        # it keeps the connection open: sending would end with a timeout
        done = Event()

        def ends(peer: Conversation) -> None:
            last(peer)
            done.wait(caller.timeouts.network + 5)

        target = peers.play(_reads_half_then(ends))
        report = send(target, caller, objects(2, 40 * MEGABYTE))
        done.set()
        assert str(report.failures[0].outcome.signature) == expected
        assert sum(report.outcomes.values()) == 2

    def test_a_reset_in_the_middle_of_an_object_is_a_reset(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        target = peers.play(_reads_half_then(lambda peer: peer.reset()))
        report = send(target, caller, objects(2, 40 * MEGABYTE))
        assert stopped_at(report) == "dimse: reset"
        assert report.outcomes == {"reset": 2}

    def test_a_peer_that_stops_reading_times_out(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        hasty = impatient(caller, network=0.3)
        done = Event()

        def waits(_: Conversation) -> None:
            done.wait(10)

        target = peers.play(_reads_half_then(waits))
        report = send(target, hasty, objects(2, 40 * MEGABYTE))
        done.set()
        assert stopped_at(report) == "dimse: timeout"
        assert report.comment == "the peer took no more data for 0.3 s"

    def test_a_peer_that_only_talks_times_out(self, peers: ScriptedPeers, caller: Caller) -> None:
        hasty = impatient(caller, network=0.3)

        def talks(peer: Conversation) -> None:
            while True:
                peer.send(response(1))

        report = send(peers.play(_reads_half_then(talks)), hasty, objects(1, 40 * MEGABYTE))
        assert stopped_at(report) == "dimse: timeout"

    def test_a_slow_peer_that_still_reads_is_waited_for(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        # slower in all than the network timeout, but never silent for so long
        hasty = impatient(caller, network=2.0)

        def script(peer: Conversation) -> None:
            peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MEGABYTE)
            peer.accept(max_pdu=1 << 28)
            peer.pdu()
            left = int.from_bytes(peer.exactly(12)[6:10], "big") - 2
            while left:
                left -= len(peer.exactly(min(left, 2 * MEGABYTE)))
                Event().wait(0.25)
            peer.send(response(1))
            peer.pdu()
            peer.send(RELEASE_RESPONSE)

        report = send(peers.play(script), hasty, objects(1, 24 * MEGABYTE))
        assert report.outcomes == {"0x0000": 1}
        assert report.seconds > hasty.timeouts.network


class TestStopping:
    def test_told_to_stop_it_finishes_the_present_object_and_releases(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        ended: list[bytes] = []

        def script(peer: Conversation) -> None:
            peer.accept()
            read_message(peer, Received())
            sender.stop()
            peer.send(response(1))
            ended.append(peer.pdu())
            peer.send(RELEASE_RESPONSE)

        sender = BurstSender(peers.play(script), caller, stream(objects(5)), None)
        report = sender.run()
        assert report.outcomes == {"0x0000": 1}
        assert report.outcome.succeeded
        assert ended[0][0] == 0x05

    def test_cut_off_it_ends_although_the_peer_reads_no_more(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        done = Event()

        def cut(_: Conversation) -> None:
            sender.cut()
            done.wait(10)

        target = peers.play(_reads_half_then(cut))
        sender = BurstSender(target, caller, stream(objects(5, 40 * MEGABYTE)), None)
        report = sender.run()
        done.set()
        assert report.outcomes == {}
        assert report.outcome.succeeded


def test_a_file_that_gets_shorter_ends_the_association_without_completing_a_pdu(
    peers: ScriptedPeers, caller: Caller, tmp_path: Path
) -> None:
    path = tmp_path / "shrinks"
    path.write_bytes(b"1" * 40 * MEGABYTE)
    rest: list[bytes] = []

    def script(peer: Conversation) -> None:
        peer.accept(max_pdu=1 << 28)
        peer.pdu()
        with path.open("r+b") as file:
            file.truncate(MEGABYTE)
        rest.append(peer.pdu())

    item = StorageObject("shrinks", CT, "2.25.1", EXPLICIT, path)
    with pytest.raises(UsageError, match="became shorter"):
        send(peers.play(script), caller, [item])
    peers.stop()
    assert len(rest[0]) < 40 * MEGABYTE
    assert set(rest[0][12:]) == set(b"1")


def test_nobody_there_is_refused_and_every_object_says_so(caller: Caller) -> None:
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        target = Target(host=LOOPBACK, port=bound.getsockname()[1], called="PEER")
        report = send(target, caller, objects(3))
    assert stopped_at(report) == "connect: refused"
    assert report.outcomes == {"refused": 3}
