"""Many associations at the same time, against products that they were not written for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread

from dicom.association.ends import Caller, Target
from dicom.association.tls import client_context
from dicom.datasets.part10 import fingerprint_of
from dicom.errors import UsageError
from modalities.burst.dealing import deal, simulated
from modalities.burst.load import Burst, BurstProgress
from modalities.burst.objects import StorageObject, Stream, from_dataset, from_file
from modalities.burst.peek import peek
from modalities.generation import StudyOptions, WrittenFile, generate, write_study
from modalities.studies.pixel_data import TRANSFER_SYNTAXES
from orchestrator.lab.certificates import CertificateStore
from tests.modalities.burst.conftest import tls_of
from tests.modalities.burst.conversations import (
    CT,
    EXPLICIT,
    RELEASE_RESPONSE,
    Received,
    abort,
    objects,
    read_message,
    response,
    stream,
    take_all,
)
from tests.modalities.peers import Conversation, Orthanc, ScriptedPeers, StoreScp
from tests.peers import LOOPBACK

pytestmark = pytest.mark.local


def arrived(folder: Path) -> list[str]:
    """SHA-256 over the values of every dataset that storescp has written."""
    return sorted(fingerprint_of(path).digest for path in folder.iterdir())


class TestStorescp:
    @pytest.mark.parametrize("associations", [1, 2, 5])
    def test_every_file_arrives_once_whichever_association_takes_it(
        self, busy_storescp: StoreScp, caller: Caller, tmp_path: Path, associations: int
    ) -> None:
        written = write_study(tmp_path, "CT", images=12, rows=200, columns=200)
        items = [from_file(peek(each.path)) for each in written]
        seen: list[BurstProgress] = []
        report = Burst(
            busy_storescp.target,
            caller,
            deal(items, associations),
            associations=associations,
        ).run(seen.append)
        assert arrived(busy_storescp.folder) == sorted(each.fingerprint.digest for each in written)
        assert report.outcomes == {"0x0000": 12}
        assert len(report.associations) == associations
        assert sum(each.planned for each in report.associations) == report.planned == 12
        assert report.bytes == sum(peeked(each) for each in written)
        assert report.first_failure is None
        assert report.responses is not None
        assert 0 < report.responses.median <= report.responses.most <= report.responses.longest
        assert 0 < report.responses.longest < report.seconds
        assert report.objects_per_second == pytest.approx(12 / report.seconds)
        assert (seen[-1].objects, seen[-1].planned) == (12, 12)

    def test_every_transfer_syntax_that_it_takes_travels_unchanged(
        self, busy_storescp: StoreScp, caller: Caller, tmp_path: Path
    ) -> None:
        written: list[WrittenFile] = []
        for number, syntax in enumerate(TRANSFER_SYNTAXES):
            made: StudyOptions = {
                "rows": 64,
                "columns": 64,
                "seed": number + 1,
                "transfer_syntax": syntax,
            }
            try:
                written += write_study(tmp_path / syntax, "CT", images=1, **made)
            except UsageError:  # an encoding that CT images don't fit
                continue
        items = [from_file(peek(each.path)) for each in written]
        report = Burst(busy_storescp.target, caller, deal(items, 2), associations=2).run()
        refused = report.outcomes.get("context 4", 0)  # deflated, by a DCMTK without zlib
        assert report.outcomes.get("0x0000") == len(written) - refused
        assert refused <= 1
        sent = {each.fingerprint.digest for each in written}
        assert set(arrived(busy_storescp.folder)) <= sent
        assert len(arrived(busy_storescp.folder)) == len(written) - refused >= 5

    def test_simulated_studies_are_sent_as_they_are_made(
        self, busy_storescp: StoreScp, caller: Caller
    ) -> None:
        streams = simulated("CT", 3, 4, seed=5, rows=64, columns=64)
        report = Burst(busy_storescp.target, caller, streams, associations=3).run()
        assert report.outcomes == {"0x0000": 12}
        files = [dcmread(path) for path in busy_storescp.folder.iterdir()]
        expected = [
            dataset.SOPInstanceUID
            for seed in (5, 6, 7)
            for dataset in generate("CT", images=4, rows=64, columns=64, seed=seed)
        ]
        assert sorted(file.SOPInstanceUID for file in files) == sorted(expected)
        assert len({file.StudyInstanceUID for file in files}) == 3

    def test_more_than_128_contexts_take_more_associations(
        self, busy_storescp: StoreScp, caller: Caller
    ) -> None:
        (dataset,) = generate("CT", images=1, rows=16, columns=16)
        known = from_dataset(dataset)
        assert isinstance(known.source, bytes)
        strange = [
            StorageObject(f"{number}", f"2.25.{1000 + number}", "2.25.1", EXPLICIT, known.source)
            for number in range(130)
        ]
        streams = deal([*strange, known], 2)
        report = Burst(busy_storescp.target, caller, streams, associations=2).run()
        assert report.outcomes == {"context 3": 130, "0x0000": 1}

    def test_over_tls_the_same_arrives(
        self,
        tls_storescp: StoreScp,
        certificates: CertificateStore,
        caller: Caller,
        tmp_path: Path,
    ) -> None:
        written = write_study(tmp_path / "study", "CT", images=4, rows=512, columns=512)
        items = [from_file(peek(each.path)) for each in written]
        tls = client_context(tls_of(certificates), tmp_path)
        report = Burst(tls_storescp.target, caller, deal(items, 2), tls=tls, associations=2).run()
        assert report.outcomes == {"0x0000": 4}
        assert arrived(tls_storescp.folder) == sorted(each.fingerprint.digest for each in written)

    def test_a_certificate_that_it_does_not_trust_stops_at_tls_with_the_alert(
        self,
        tls_storescp: StoreScp,
        certificates: CertificateStore,
        caller: Caller,
        tmp_path: Path,
    ) -> None:
        material = tls_of(certificates).model_copy(update={"certificate": None, "key": None})
        tls = client_context(material, tmp_path)
        streams = deal(objects(3), 1)
        report = Burst(tls_storescp.target, caller, streams, tls=tls).run()
        (association,) = report.associations
        assert association.outcome.rung.value == "tls"
        assert str(association.outcome.signature).startswith("alert ")
        assert report.outcomes == {str(association.outcome.signature): 3}


def peeked(written: WrittenFile) -> int:
    file = peek(written.path)
    return file.path.stat().st_size - file.offset


def test_orthanc_holds_every_instance_that_it_answered(orthanc: Orthanc, caller: Caller) -> None:
    before = orthanc.get("/statistics")["CountInstances"]
    target = Target(host=LOOPBACK, port=orthanc.port, called="ORTHANC")
    streams = simulated("CT", 2, 5, seed=4711, rows=128, columns=128)
    report = Burst(target, caller, streams, associations=2).run()
    assert report.outcomes == {"0x0000": 10}
    assert orthanc.get("/statistics")["CountInstances"] - before == 10


class TestDealing:
    def test_files_are_shared_out_and_repeated(self) -> None:
        items = objects(3)
        streams = deal(items, 2, repeat=2)
        assert [names(each) for each in streams] == [["1", "3", "2"], ["2", "1", "3"]]
        assert [each.count for each in streams] == [3, 3]

    def test_each_association_sends_as_many_objects_as_it_is_told(self) -> None:
        streams = deal(objects(3), 2, objects=5)
        assert [names(each) for each in streams] == [list("13213"), list("21321")]

    def test_no_association_is_opened_for_nothing(self) -> None:
        assert len(deal(objects(3), 8)) == 3

    def test_an_association_proposes_what_its_objects_need_and_no_more(self) -> None:
        other = objects(1, syntax="1.2.840.10008.1.2")
        first, second = deal([*objects(1), *other], 2)
        assert first.contexts == ((CT, EXPLICIT),)
        assert second.contexts == ((CT, "1.2.840.10008.1.2"),)


def names(stream: Stream) -> list[str]:
    return [item.name.removeprefix("object ") for item in stream.objects]


class TestEndings:
    def test_one_association_that_is_aborted_does_not_end_the_others(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.accept()
            sent = Received()
            while (message_id := read_message(peer, sent)) is not None:
                if sent.datasets[0][0] == 2:  # only one stream begins with object 2
                    peer.send(abort(2, 0))
                    return
                peer.send(response(message_id))
            peer.send(RELEASE_RESPONSE)

        report = Burst(peers.play(script), caller, deal(objects(9), 3), associations=3).run()
        assert report.outcomes == {"0x0000": 6, "aborted 2/0": 3}
        assert [str(each.outcome.signature) for each in report.associations] == [
            "None",
            "aborted 2/0",
            "None",
        ]
        assert report.first_failure is not None
        assert report.first_failure.outcome.rung.value == "dimse"
        assert report.stopped is False

    def test_stopped_in_order_every_association_releases(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        ends: list[int] = []

        def script(peer: Conversation) -> None:
            peer.accept()
            received = Received()
            read_message(peer, received)
            burst.stop()
            peer.send(response(1))
            while (pdu := peer.pdu()) and pdu[0] == 0x04:
                if pdu[11] == 0x02:
                    received.message_ids.append(received.message_ids[-1] + 1)
                    peer.send(response(received.message_ids[-1]))
            ends.append(pdu[0])
            peer.send(RELEASE_RESPONSE)

        target = peers.play(script)
        burst = Burst(target, caller, [stream(objects(9_000))])
        report = burst.run()
        assert report.stopped
        assert report.answered < 9_000
        assert sum(report.outcomes.values()) == report.answered
        assert report.first_failure is None
        assert ends == [0x05]

    def test_stopped_twice_an_association_that_hangs_is_cut_off(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        def script(peer: Conversation) -> None:
            peer.accept()
            read_message(peer, Received())
            burst.stop()
            burst.stop()
            peer.silence()

        endless = caller.timeouts.model_copy(update={"dimse": 600.0})
        caller = caller.model_copy(update={"timeouts": endless})
        burst = Burst(peers.play(script), caller, [stream(objects(3))])
        report = burst.run()
        assert report.stopped
        assert report.outcomes == {}

    def test_an_object_that_cannot_be_read_ends_the_burst_with_its_name(
        self, peers: ScriptedPeers, caller: Caller, tmp_path: Path
    ) -> None:
        missing = StorageObject("gone.dcm", CT, "2.25.1", EXPLICIT, tmp_path / "gone.dcm")
        target = peers.play(lambda peer: take_all(peer, Received()))
        streams = deal([*objects(3), missing], 2)
        with pytest.raises(UsageError, match=r"gone\.dcm can't be sent"):
            Burst(target, caller, streams, associations=2).run()

    def test_a_worker_that_dies_is_an_error_and_no_success(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        def dies() -> Iterator[StorageObject]:
            yield from objects(2)
            os.kill(os.getpid(), signal.SIGKILL)

        target = peers.play(lambda peer: take_all(peer, Received()))
        deadly = Stream(dies(), ((CT, EXPLICIT),), 3)
        with pytest.raises(UsageError, match="ended with -9"):
            Burst(target, caller, [deadly]).run()

    def test_a_mistake_in_a_worker_comes_with_its_traceback(
        self, peers: ScriptedPeers, caller: Caller
    ) -> None:
        def mistaken() -> Iterator[StorageObject]:
            yield from objects(1)
            raise ZeroDivisionError

        target = peers.play(lambda peer: take_all(peer, Received()))
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            Burst(target, caller, [Stream(mistaken(), ((CT, EXPLICIT),), 2)]).run()

    def test_workers_end_with_whoever_started_them(
        self,
        peers: ScriptedPeers,
        caller: Caller,
        eventually: Callable[[Callable[[], bool]], None],
    ) -> None:
        received, ended = Received(), list[bool]()

        def script(peer: Conversation) -> None:
            peer.accept()
            read_message(peer, received)
            peer.silence()
            ended.append(True)

        endless = caller.timeouts.model_copy(update={"dimse": 600.0})
        caller = caller.model_copy(update={"timeouts": endless})
        target = peers.play(script)
        starter = os.fork()
        if starter == 0:
            Burst(target, caller, [stream(objects(3))]).run()
            os._exit(0)
        eventually(lambda: bool(received.message_ids))
        os.kill(starter, signal.SIGKILL)
        os.waitpid(starter, 0)
        eventually(lambda: ended == [True])

    @pytest.mark.parametrize("associations", [0, 1])
    def test_nothing_to_send_is_an_error(self, caller: Caller, associations: int) -> None:
        target = Target(host=LOOPBACK, port=104, called="PEER")
        streams = [stream(objects(1))] if associations == 0 else []
        with pytest.raises(UsageError, match="expected at least one stream"):
            Burst(target, caller, streams, associations=associations)
