"""The workstation's storage SCP: what it accepts, refuses, keeps and forgets."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import UID

from dicom.association.ends import Caller, Target
from dicom.errors import UsageError
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.nodes.node import ModalityNode
from modalities.services.echo import Echo
from modalities.services.listen import Forget, Listen, Received
from modalities.services.query import Find
from modalities.services.store import Store
from tests.modalities.peers import FOR_12_BITS
from tests.peers import LOOPBACK, tool

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"


def stopped_at(report: Report) -> str:
    return f"{report.outcome.rung.value}: {report.outcome.signature}"


class Pair:
    """A CT and a workstation that share an exchange folder."""

    def __init__(self, exchange: Path, caller: Caller) -> None:
        self.ct, self.workstation = ModalityNode("ct", exchange), ModalityNode("ws", exchange)
        self.caller = caller
        self.port = 0

    def listen(self, **behaviour: object) -> None:
        command = Listen.model_validate({"aetitle": "WS", "port": 0, **behaviour})
        self.port = self.workstation.run(command).port

    def target(self, called: str = "WS") -> Target:
        return Target(host=LOOPBACK, port=self.port, called=called)

    def store(self, *files: str, called: str = "WS") -> Report:
        return self.ct.run(Store(target=self.target(called), caller=self.caller, files=files))

    def echo(self, called: str = "WS") -> Report:
        return self.ct.run(Echo(target=self.target(called), caller=self.caller))


@pytest.fixture
def pair(tmp_path: Path, caller: Caller) -> Iterator[Pair]:
    both = Pair(tmp_path, caller)
    yield both
    both.ct.stop()
    both.workstation.stop()


def test_what_was_sent_is_what_is_held(pair: Pair, study: list[WrittenFile]) -> None:
    pair.listen()
    assert stopped_at(pair.store(*(written.path.name for written in study))) == "dimse: None"
    received = pair.workstation.run(Received()).received
    assert [each.fingerprint for each in received] == [each.fingerprint for each in study]
    assert {each.calling_aetitle for each in received} == {"CT"}
    assert {each.called_aetitle for each in received} == {"WS"}
    assert {each.move_originator for each in received} == {""}


@pytest.mark.parametrize("syntax", FOR_12_BITS, ids=lambda syntax: syntax.keyword)
def test_every_transfer_syntax_is_understood(pair: Pair, tmp_path: Path, syntax: UID) -> None:
    (written,) = write_study(
        tmp_path, "CT", images=1, rows=32, columns=32, transfer_syntax=str(syntax)
    )
    pair.listen()
    assert stopped_at(pair.store(written.path.name)) == "dimse: None"
    (held,) = pair.workstation.run(Received()).received
    assert held.fingerprint == written.fingerprint


def test_private_classes_and_syntaxes_are_accepted_unless_told_otherwise(
    pair: Pair, tmp_path: Path
) -> None:
    (written,) = write_study(tmp_path, "CT", images=1, rows=16, columns=16)
    dataset = pydicom.dcmread(written.path)
    dataset.SOPClassUID = "1.2.826.0.1.99999.7"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.save_as(tmp_path / "private.dcm")
    encoded = (tmp_path / "private.dcm").read_bytes()
    # the same length, so that the file meta information stays well-formed
    private = encoded.replace(b"1.2.840.10008.1.2.1\0", b"1.2.826.0.1.9999.1\0\0", 1)
    (tmp_path / "private.dcm").write_bytes(private)
    pair.listen()
    report = pair.store("private.dcm")
    assert stopped_at(report) == "dimse: None"
    assert report.objects[0].transfer_syntax_uid == "1.2.826.0.1.9999.1"
    assert len(pair.workstation.run(Received()).received) == 1


def test_another_called_title_is_rejected_1_1_7_only_where_titles_are_given(pair: Pair) -> None:
    pair.listen()
    assert pair.echo(called="ANYTHING").outcome.succeeded
    pair.listen(called_aetitles=("WS", "WS2"))
    assert pair.echo(called="WS2").outcome.succeeded
    report = pair.echo(called="OTHER")
    assert stopped_at(report) == "associate: rejected 1/1/7"


def test_a_class_that_is_not_accepted_is_refused_with_result_3(
    pair: Pair, study: list[WrittenFile]
) -> None:
    pair.listen(accepted_sop_classes=(MR_IMAGE,))
    assert stopped_at(pair.store(study[0].path.name)) == "negotiate: context 3"
    assert pair.echo().outcome.succeeded
    pair.listen(accepted_sop_classes=(CT_IMAGE,))
    assert pair.store(study[0].path.name).outcome.succeeded


def test_a_syntax_that_is_not_accepted_is_refused_with_result_4(
    pair: Pair, study: list[WrittenFile]
) -> None:
    pair.listen(accepted_transfer_syntaxes=("1.2.840.10008.1.2",))
    assert stopped_at(pair.store(study[0].path.name)) == "negotiate: context 4"


def test_it_answers_no_queries(pair: Pair) -> None:
    pair.listen()
    report = pair.ct.run(Find(target=pair.target(), caller=pair.caller))
    assert stopped_at(report) == "negotiate: context 3"


def test_a_dataset_that_is_cut_short_is_refused_and_not_held(
    pair: Pair, study: list[WrittenFile]
) -> None:
    path = study[0].path
    path.write_bytes(path.read_bytes()[:-1000])
    pair.listen()
    report = pair.store(path.name)
    assert stopped_at(report) == "dimse: status 0xC000"
    assert report.comment
    assert pair.workstation.run(Received()).received == ()


def test_both_sides_trace_the_same_association(
    pair: Pair, study: list[WrittenFile], eventually: Callable[[Callable[[], bool]], None]
) -> None:
    pair.listen()
    (ours,) = pair.store(study[0].path.name).traces
    eventually(
        lambda: [trace.end for trace in pair.workstation.run(Received()).traces] == ["released"]
    )
    (theirs,) = pair.workstation.run(Received()).traces
    assert [(pdu.kind, pdu.sender, pdu.length) for pdu in ours.pdus] == [
        (pdu.kind, pdu.sender, pdu.length) for pdu in theirs.pdus
    ]
    assert (ours.observer, theirs.observer) == ("ct", "ws")


def test_forget_empties_it_and_it_goes_on_listening(pair: Pair, study: list[WrittenFile]) -> None:
    pair.listen()
    pair.store(study[0].path.name)
    pair.workstation.run(Forget())
    report = pair.workstation.run(Received())
    assert (report.received, report.traces) == ((), ())
    pair.store(study[1].path.name)
    assert len(pair.workstation.run(Received()).received) == 1


def test_listening_again_replaces_the_behaviour_on_the_same_port(pair: Pair) -> None:
    pair.listen()
    again = Listen(aetitle="WS", port=pair.port, called_aetitles=("WS",))
    assert pair.workstation.run(again).port == pair.port
    assert stopped_at(pair.echo(called="OTHER")) == "associate: rejected 1/1/7"


def test_a_taken_port_is_an_error_that_names_it(pair: Pair) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=str(port)):
            pair.workstation.run(Listen(aetitle="WS", port=port))


@pytest.mark.parametrize("opening", [b"", b"\x01\x00", b"\x01\x00\x00\x00\x00\x80half"])
def test_stopping_leaves_no_thread_even_while_a_peer_stalls(pair: Pair, opening: bytes) -> None:
    before = set(threading.enumerate())
    pair.listen()
    with socket.create_connection((LOOPBACK, pair.port)) as stalled:
        stalled.sendall(opening)
        pair.echo()  # answered although another connection is silent
        pair.workstation.stop()
        assert set(threading.enumerate()) <= before
        stalled.settimeout(5)
        assert stalled.recv(64) == b""


@pytest.mark.local
def test_dcmtk_can_store_to_it(pair: Pair, study: list[WrittenFile]) -> None:
    pair.listen(called_aetitles=("WS",))
    names = [str(written.path) for written in study]
    subprocess.run(
        [tool("storescu"), "-aec", "WS", "-aet", "DCMTK", LOOPBACK, str(pair.port), *names],
        check=True,
        timeout=20,
    )
    received = pair.workstation.run(Received()).received
    assert [
        each.fingerprint.differences(sent.fingerprint)
        for each, sent in zip(received, study, strict=True)
    ] == [()] * 3
    assert {each.calling_aetitle for each in received} == {"DCMTK"}
