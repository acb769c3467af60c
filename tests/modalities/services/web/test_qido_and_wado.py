"""QIDO-RS and WADO-RS, at scripted servers and at the real Orthanc."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dicom.errors import UsageError
from dicom.web.target import WebTarget
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.nodes.node import ModalityNode
from modalities.services.qido import Qido
from modalities.services.stow import Stow
from modalities.services.wado import Wado
from tests.modalities.peers import Conversation, ScriptedPeers
from tests.modalities.services.web.conftest import Answering, read_request, web_target

EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def requested(node: ModalityNode, peers: ScriptedPeers, command: Any, **given: Any) -> str:
    """The request line that a command makes."""
    heads: list[str] = []

    def script(conversation: Conversation) -> None:
        heads.append(read_request(conversation)[0])
        conversation.send(EMPTY)

    node.run(command(target=web_target(peers, script), **given))
    return heads[0]


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({}, "/web/studies"),
        ({"keys": {"PatientID": "P1"}}, "/web/studies?PatientID=P1"),
        ({"keys": {"PatientName": "MÜLLER^A*"}}, "/web/studies?PatientName=M%C3%9CLLER%5EA*"),
        ({"keys": {"PatientName": ""}}, "/web/studies?includefield=PatientName"),
        (
            {"keys": {"StudyInstanceUID": "1.2\\1.3"}, "limit": 5, "offset": 10},
            "/web/studies?StudyInstanceUID=1.2,1.3&limit=5&offset=10",
        ),
        (
            {"level": "instances", "study_instance_uid": "1.2", "include": ("all",)},
            "/web/studies/1.2/instances?includefield=all",
        ),
        (
            {"level": "instances", "study_instance_uid": "1", "series_instance_uid": "2"},
            "/web/studies/1/series/2/instances",
        ),
        ({"level": "series", "keys": {"Modality": "CT"}}, "/web/series?Modality=CT"),
        (
            {"keys": {"OtherPatientIDsSequence.PatientID": "7&8"}},
            "/web/studies?OtherPatientIDsSequence.PatientID=7%268",
        ),
    ],
)
def test_a_query_names_level_keys_and_wishes_as_the_standard_says(
    node: ModalityNode, peers: ScriptedPeers, given: dict[str, Any], path: str
) -> None:
    head = requested(node, peers, Qido, **given)
    assert head.startswith(f"GET {path} HTTP/1.1\r\n")
    assert "Accept: application/dicom+json\r\n" in head


@pytest.mark.parametrize(
    "given",
    [
        {"keys": {"PatientNam": "x"}},
        {"include": ("Nonsense",)},
        {"study_instance_uid": "1.2"},
        {"level": "instances", "series_instance_uid": "1.2"},
        {"level": "series", "study_instance_uid": "1", "series_instance_uid": "2"},
    ],
)
def test_a_query_that_there_is_not_is_an_error(
    node: ModalityNode, peers: ScriptedPeers, given: dict[str, Any]
) -> None:
    target = web_target(peers, Conversation.silence)
    with pytest.raises(UsageError):
        node.run(Qido.model_validate({"target": target, **given}))
    assert peers.connections == 0


def answered(node: ModalityNode, answering: Answering, body: str) -> Report:
    data = body.encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data)
    return node.run(Qido(target=answering(head + data)))


def test_answers_are_attributes_by_keyword(node: ModalityNode, answering: Answering) -> None:
    report = answered(
        node,
        answering,
        """[{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "A^B", "Ideographic": "山^田"}]},
            "00080061": {"vr": "CS", "Value": ["CT", "MR"]},
            "00201208": {"vr": "IS", "Value": [12]},
            "00080050": {"vr": "SH"},
            "7FE00010": {"vr": "OW", "BulkDataURI": "http://x/bulk"},
            "00081110": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["1.2"]}}]}}]""",
    )
    assert report.answers == (
        {
            "AccessionNumber": "",
            "ModalitiesInStudy": "CT\\MR",
            "ReferencedStudySequence.ReferencedSOPInstanceUID": "1.2",
            "PatientName": "A^B=山^田",
            "NumberOfStudyRelatedInstances": "12",
            "PixelData": "",
        },
    )


@pytest.mark.parametrize("body", ["[]", ""])
def test_no_match_is_a_success_without_answers(
    node: ModalityNode, answering: Answering, body: str
) -> None:
    report = answered(node, answering, body)
    assert (report.outcome.signature, report.answers) == (None, ())


@pytest.mark.parametrize("body", ["[1]", "{}x", '[{"00100010": {"vr": "XX", "Value": 3}}]'])
def test_json_that_is_no_dicom_json_is_not_dicom(
    node: ModalityNode, answering: Answering, body: str
) -> None:
    assert str(answered(node, answering, body).outcome.signature) == "not-dicom"


@pytest.mark.parametrize(
    ("given", "path", "accept"),
    [
        ({}, "/web/studies/1", "; transfer-syntax=*"),
        ({"series_instance_uid": "2", "transfer_syntax": ""}, "/web/studies/1/series/2", ""),
        (
            {"series_instance_uid": "2", "sop_instance_uid": "3", "transfer_syntax": "1.2.4"},
            "/web/studies/1/series/2/instances/3",
            "; transfer-syntax=1.2.4",
        ),
    ],
)
def test_a_retrieve_names_what_it_wants_and_in_which_syntax(
    node: ModalityNode, peers: ScriptedPeers, given: dict[str, Any], path: str, accept: str
) -> None:
    head = requested(node, peers, Wado, study_instance_uid="1", **given)
    assert head.startswith(f"GET {path} HTTP/1.1\r\n")
    assert f'Accept: multipart/related; type="application/dicom"{accept}\r\n' in head


def test_an_instance_without_its_series_is_an_error(node: ModalityNode) -> None:
    target = WebTarget(host="127.0.0.1", port=1)
    with pytest.raises(UsageError, match="no series"):
        node.run(Wado(target=target, study_instance_uid="1", sop_instance_uid="3"))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (b"application/dicom", b"DICM"),
        (b"multipart/related; boundary=e", b"--e\r\n\r\nnot DICOM at all\r\n--e--"),
        (b"multipart/related; boundary=e", b"--e\r\n\r\nno end"),
    ],
)
def test_what_is_no_multipart_message_of_dicom_files_is_not_dicom(
    node: ModalityNode, answering: Answering, content_type: bytes, body: bytes
) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    target = answering(head % (content_type, len(body)) + body)
    report = node.run(Wado(target=target, study_instance_uid="1"))
    assert (report.outcome.rung.value, str(report.outcome.signature)) == ("dimse", "not-dicom")


def test_a_deflated_instance_that_is_cut_short_is_not_dicom(
    node: ModalityNode, answering: Answering, tmp_path: Path
) -> None:
    (written,) = write_study(
        tmp_path,
        "CT",
        images=1,
        rows=16,
        columns=16,
        transfer_syntax="DeflatedExplicitVRLittleEndian",
    )
    body = b"--e\r\n\r\n" + written.path.read_bytes()[:-200] + b"\r\n--e--"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/related; boundary=e\r\n\r\n"
    report = node.run(Wado(target=answering(head + body), study_instance_uid="1"))
    assert (report.outcome.rung.value, str(report.outcome.signature)) == ("dimse", "not-dicom")
    assert "decompressing" in report.comment


# --- the real Orthanc -----------------------------------------------------------------------


@pytest.fixture
def uid(
    node: ModalityNode, server: WebTarget, study: list[WrittenFile], files: tuple[str, ...]
) -> str:
    """A study that the real archive holds."""
    assert node.run(Stow(target=server, files=files)).outcome.succeeded
    return study[0].fingerprint.study_instance_uid


@pytest.mark.local
def test_orthanc_answers_at_every_level(node: ModalityNode, server: WebTarget, uid: str) -> None:
    (found,) = node.run(Qido(target=server, keys={"StudyInstanceUID": uid})).answers
    assert (found["ModalitiesInStudy"], found["NumberOfStudyRelatedInstances"]) == ("CT", "3")
    assert len(node.run(Qido(target=server, level="series")).answers) == 1
    instances = Qido(target=server, level="instances", study_instance_uid=uid)
    assert len(node.run(instances).answers) == 3
    assert node.run(Qido(target=server, keys={"PatientID": "NOBODY"})).answers == ()


@pytest.mark.local
def test_orthanc_hands_out_what_it_was_given(
    node: ModalityNode, server: WebTarget, study: list[WrittenFile], uid: str
) -> None:
    report = node.run(Wado(target=server, study_instance_uid=uid))
    received = {each.fingerprint.sop_instance_uid: each.fingerprint for each in report.received}
    assert received == {each.fingerprint.sop_instance_uid: each.fingerprint for each in study}
    one = study[1].fingerprint
    alone = Wado(
        target=server,
        study_instance_uid=uid,
        series_instance_uid=one.series_instance_uid,
        sop_instance_uid=one.sop_instance_uid,
    )
    assert [each.fingerprint for each in node.run(alone).received] == [one]


@pytest.mark.local
def test_orthanc_decompresses_unless_asked_not_to(
    node: ModalityNode, server: WebTarget, tmp_path: Path
) -> None:
    (written,) = write_study(
        tmp_path / "rle", "CT", images=1, rows=64, columns=64, transfer_syntax="RLELossless"
    )
    name = str(written.path.relative_to(tmp_path))
    assert node.run(Stow(target=server, files=(name,))).outcome.succeeded
    uid = written.fingerprint.study_instance_uid
    syntaxes = [
        [
            each.fingerprint.transfer_syntax_uid
            for each in node.run(
                Wado(target=server, study_instance_uid=uid, transfer_syntax=wanted)
            ).received
        ]
        for wanted in ("*", "")
    ]
    assert syntaxes == [["1.2.840.10008.1.2.5"], ["1.2.840.10008.1.2.1"]]


@pytest.mark.local
def test_a_study_that_is_not_there_is_a_404(node: ModalityNode, server: WebTarget) -> None:
    report = node.run(Wado(target=server, study_instance_uid="2.25.999"))
    assert str(report.outcome.signature) == "http 404"
    assert "inexistent" in report.comment
