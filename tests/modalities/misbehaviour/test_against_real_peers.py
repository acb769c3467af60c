"""Altered objects and acts against DCMTK's storescp and the real Orthanc."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pytest
import requests
from pydicom import dcmread
from pynetdicom.dsutils import split_dataset

from dicom.association.ends import Caller, Target, Timeouts
from dicom.datasets.part10 import Part10File, inspect
from modalities.commands import Report
from modalities.generation import write_study
from modalities.misbehaviour.alteration import altered, parse
from modalities.services.store import Store, store
from tests.modalities.misbehaviour import examples
from tests.modalities.peers import StoreScp
from tests.peers import LOOPBACK, Orthanc, running_orthanc

pytestmark = [
    pytest.mark.local,
    pytest.mark.filterwarnings("ignore:.*:UserWarning"),  # pydicom about what is wrong on purpose
]
#: A DIMSE timeout that a silent peer exhausts, and a busy one does not.
TIMEOUTS = Timeouts(connect=10.0, acse=10.0, dimse=3.0, network=10.0)
IMPATIENT = TIMEOUTS.model_copy(update={"acse": 3.0})


def send(
    target: Target,
    files: Sequence[Part10File],
    *alterations: str,
    act: str | None = None,
    timeouts: Timeouts = TIMEOUTS,
) -> Report:
    command = Store(
        target=target,
        caller=Caller(calling="CT", timeouts=timeouts),
        files=tuple(str(each.path) for each in files),
        alterations=alterations,
        misbehave=act,
    )
    return store(command, Path("/"), "ct")


def outcome(report: Report) -> str:
    return "sent" if report.outcome.succeeded else str(report.outcome)


# --- DCMTK: every byte arrives as it was altered ----------------------------------------------


#: What DCMTK's DIMSE layer itself takes offence at: an odd dataset, a UID of 65 characters.
NOT_TAKEN_BY_DCMTK = (
    "odd-length PatientID",
    "odd-fragment",
    "too-long SOPInstanceUID",
    "bad-uid SOPInstanceUID too-long",
)


@pytest.mark.parametrize(
    "text",
    [
        text
        for text in (*examples.OF_A_CT, *examples.OF_COMPRESSED_PIXELS)
        if text not in NOT_TAKEN_BY_DCMTK
    ],
)
def test_storescp_is_given_exactly_the_altered_dataset(
    text: str, storescp: StoreScp, image: Part10File, compressed: Part10File
) -> None:
    file = compressed if text in examples.OF_COMPRESSED_PIXELS else image
    report = send(storescp.target, [file], text)
    assert outcome(report) == "sent"
    (path,) = storescp.folder.iterdir()
    meta, offset = split_dataset(path)
    wanted = altered(file, [parse(text)])
    assert path.read_bytes()[offset:] == wanted.dataset()
    assert meta.MediaStorageSOPClassUID == wanted.sop_class_uid
    assert meta.MediaStorageSOPInstanceUID == wanted.sop_instance_uid
    assert meta.TransferSyntaxUID == wanted.transfer_syntax_uid


@pytest.mark.parametrize("text", NOT_TAKEN_BY_DCMTK)
def test_storescp_aborts_what_is_odd_or_too_long_for_its_commands(
    text: str, storescp: StoreScp, image: Part10File, compressed: Part10File
) -> None:
    file = compressed if text in examples.OF_COMPRESSED_PIXELS else image
    assert outcome(send(storescp.target, [file], text)) == "dimse: aborted 0/0"


#: What DCMTK's upper layer makes of each act; what is stored without its consent would be "sent".
TO_STORESCP = {
    "oversized-pdu 65536": "dimse: aborted 0/0",
    "pdv-length": "dimse: aborted 0/0",
    "unknown-pdu": "dimse: aborted 0/0",
    "wrong-context": "dimse: aborted 0/0",
    "interleave": "dimse: aborted 0/0",
    "dataset-only": "dimse: aborted 0/0",
    "command-only": "dimse: timeout",
    "data-before-association": "associate: aborted 0/0",
    "half-request close": "associate: closed",
    "pipelined": "sent",
    "same-message-id": "sent",
    "empty-pdvs": "sent",
    "release-collision": "sent",
    "no-release": "sent",
    "stall seconds=0.2": "sent",
}


@pytest.mark.parametrize(("act", "seen"), TO_STORESCP.items())
def test_what_storescp_makes_of_an_act(
    act: str, seen: str, storescp: StoreScp, large: list[Part10File]
) -> None:
    assert outcome(send(storescp.target, large, act=act)) == seen
    # storescp serves one association after the other: it must be done with this one
    assert outcome(send(storescp.target, large[:1])) == "sent"


# --- Orthanc ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> list[Part10File]:
    """Two CT images, longer than the longest PDU that anybody announces."""
    folder = tmp_path_factory.mktemp("large")
    return [inspect(each.path) for each in write_study(folder, "CT", images=2, rows=256)]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("orthanc"), {}) as archive:
        yield archive


@pytest.fixture
def archive(running: Orthanc) -> Orthanc:
    running.empty()
    return running


def target_of(archive: Orthanc) -> Target:
    return Target(host=LOOPBACK, port=archive.dicom.port, called="ORTHANC")


def files_in(archive: Orthanc) -> list[bytes]:
    names = requests.get(f"{archive.url}/instances", timeout=20).json()
    urls = [f"{archive.url}/instances/{name}/file" for name in names]
    return [requests.get(url, timeout=20).content for url in urls]


#: Orthanc's answer to each alteration, and whether it then holds the very bytes.
TO_ORTHANC = {
    "remove PatientID": ("sent", True),
    "empty PatientID": ("sent", True),
    "remove Rows": ("sent", True),
    "set StudyDate 20269999": ("sent", True),
    "truncate-pixels": ("sent", True),
    "extend-pixels": ("sent", True),
    "character-set": ("sent", True),
    "character-set declared='ISO_IR 192'": ("sent", True),
    "orphan-private": ("sent", True),
    "private-sequence 50": ("sent", True),
    "too-long PatientID": ("sent", True),
    "bad-uid SOPInstanceUID": ("sent", True),
    "bad-date how=words": ("sent", True),
    "many-elements 1000": ("sent", True),
    "duplicate PatientID value=OTHER": ("sent", False),
    "misplace PatientID": ("sent", False),
    "group-length": ("sent", False),
    "remove StudyInstanceUID": ("dimse: status 0xA700", False),
    "remove SOPInstanceUID": ("dimse: status 0xC000", False),
    "command-class": ("dimse: status 0xA900", False),
    "command-instance": ("dimse: status 0xA900", False),
    "truncate-pixels declared=false": ("dimse: timeout", False),
    "wrong-length PatientID 2": ("dimse: timeout", False),
    "encoded-as ImplicitVRLittleEndian": ("dimse: timeout", False),
    "no-delimiter": ("dimse: timeout", False),
    "item-length": ("dimse: timeout", False),
}


@pytest.mark.parametrize("text", TO_ORTHANC)
def test_what_orthanc_makes_of_an_alteration(
    text: str, archive: Orthanc, image: Part10File
) -> None:
    seen, identical = TO_ORTHANC[text]
    assert outcome(send(target_of(archive), [image], text)) == seen
    held = files_in(archive)
    assert bool(held) is (seen == "sent")
    for content in held:
        wanted = altered(image, [parse(text)]).dataset()
        assert content.endswith(wanted) is identical
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dcmread(BytesIO(content))


@pytest.mark.parametrize("text", ["no-delimiter", "item-length"])
def test_orthanc_aborts_a_broken_sequence_while_more_of_the_object_is_coming(
    text: str, archive: Orthanc, large: list[Part10File]
) -> None:
    assert outcome(send(target_of(archive), large[:1], text)) == "dimse: aborted 0/0"
    assert archive.instances() == 0


#: Orthanc's reaction to each act.
ACTS_TO_ORTHANC = {
    "oversized-pdu": "dimse: aborted 0/0",
    "pdv-length": "dimse: aborted 0/0",
    "pdu-length": "dimse: aborted 0/0",
    "unknown-pdu": "dimse: aborted 0/0",
    "garbage": "associate: reset",
    "garbage data": "dimse: aborted 0/0",
    "data-before-association": "associate: aborted 0/0",
    "half-request close": "associate: closed",
    "half-request seconds=1": "associate: timeout",
    "wrong-context of=dataset": "dimse: aborted 0/0",
    "command-only": "dimse: timeout",
    "dataset-only": "dimse: aborted 0/0",
    "interleave": "dimse: aborted 0/0",
    "hang-up": "dimse: reset",
    "abort": "dimse: closed",
    "held-connections": "associate: timeout",
    "held-connections said=half-request": "associate: timeout",
}


@pytest.mark.parametrize(("act", "seen"), ACTS_TO_ORTHANC.items())
def test_orthanc_survives_every_act_and_stores_nothing_of_it(
    act: str, seen: str, archive: Orthanc, large: list[Part10File]
) -> None:
    assert outcome(send(target_of(archive), large, act=act, timeouts=IMPATIENT)) == seen
    assert archive.instances() == 0
    assert outcome(send(target_of(archive), large)) == "sent"
    assert archive.instances() == len(large)


@pytest.mark.parametrize(
    "act",
    [
        "pipelined copies=3",
        "same-message-id",
        "empty-pdvs",
        "release-collision",
        "no-release reset",
        "stall seconds=0.2",
        "garbage release",
    ],
)
def test_orthanc_takes_no_offence_at_these(
    act: str, archive: Orthanc, large: list[Part10File]
) -> None:
    assert outcome(send(target_of(archive), large, act=act)) == "sent"
    assert archive.instances() == len(large)
