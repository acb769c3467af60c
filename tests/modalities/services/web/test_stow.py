"""STOW-RS: what the response says of each object, at scripted servers and at the real Orthanc."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from dicom.association.ends import Timeouts
from dicom.web.target import WebTarget
from modalities.commands import Report
from modalities.generation import WrittenFile
from modalities.nodes.node import ModalityNode
from modalities.services.qido import Qido
from modalities.services.stow import Stow
from modalities.services.wado import Wado
from tests.modalities.peers import Conversation, ScriptedPeers
from tests.modalities.services.web.conftest import Answering, read_request, web_target

Item = dict[str, object]


def item(uid: str, **more: int) -> Item:
    tags = {"failure": "00081197", "warning": "00081196"}
    extra = {tags[name]: {"vr": "US", "Value": [value]} for name, value in more.items()}
    return {"00081155": {"vr": "UI", "Value": [uid]}, **extra}


def response(
    status: int,
    stored: Sequence[Item] = (),
    failed: Sequence[Item] = (),
    other: Sequence[Item] = (),
    headers: str = "",
) -> bytes:
    """A Store Instances Response (PS3.18 table I.2-1)."""
    sequences = {"00081199": stored, "00081198": failed, "0008119A": other}
    body = json.dumps(
        {tag: {"vr": "SQ", "Value": list(items)} for tag, items in sequences.items() if items}
    ).encode()
    head = f"HTTP/1.1 {status} X\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def signatures(report: Report) -> list[str]:
    return [str(each.outcome.signature or "ok") for each in report.objects]


@pytest.fixture
def uids(study: list[WrittenFile]) -> list[str]:
    return [each.fingerprint.sop_instance_uid for each in study]


def test_files_are_sent_as_they_are_in_one_message_of_announced_length(
    node: ModalityNode, peers: ScriptedPeers, study: list[WrittenFile], files: tuple[str, ...]
) -> None:
    requests: list[tuple[str, bytes]] = []

    def script(conversation: Conversation) -> None:
        requests.append(read_request(conversation))
        conversation.send(response(200))

    node.run(Stow(target=web_target(peers, script), files=files, study_instance_uid="1.2"))
    ((head, body),) = requests
    assert head.startswith("POST /web/studies/1.2 HTTP/1.1\r\n")
    assert 'Content-Type: multipart/related; type="application/dicom"; boundary=' in head
    assert "Accept: application/dicom+json\r\n" in head
    for each in study:
        part = b"Content-Type: application/dicom\r\n\r\n" + each.path.read_bytes() + b"\r\n--"
        assert part in body


def test_each_object_gets_its_own_verdict_from_a_partial_success(
    node: ModalityNode, answering: Answering, files: tuple[str, ...], uids: list[str]
) -> None:
    target = answering(
        response(
            202,
            stored=[item(uids[0]), item(uids[2], warning=0xB000)],
            failed=[item(uids[1], failure=0xA900)],
        )
    )
    report = node.run(Stow(target=target, files=files))
    assert signatures(report) == ["ok", "status 0xA900", "ok"]
    assert report.objects[2].comment == "warning 0xB000"
    assert (report.outcome.rung.value, str(report.outcome.signature)) == ("dimse", "status 0xA900")


def test_a_status_is_the_reports_signature_and_that_of_objects_it_says_nothing_of(
    node: ModalityNode, answering: Answering, files: tuple[str, ...], uids: list[str]
) -> None:
    target = answering(
        response(409, stored=[item(uids[0])], failed=[item(uids[1], failure=0x0110)])
    )
    report = node.run(Stow(target=target, files=files))
    assert str(report.outcome.signature) == "http 409"
    assert signatures(report) == ["ok", "status 0x0110", "http 409"]
    assert "mentions 2 of 3 instances" in report.comment


def test_a_success_that_mentions_nothing_is_no_failure_but_is_noted(
    node: ModalityNode, answering: Answering, files: tuple[str, ...]
) -> None:
    report = node.run(Stow(target=answering(response(200)), files=files))
    assert (report.outcome.signature, signatures(report)) == (None, ["ok"] * 3)
    assert report.comment == "the response mentions 0 of 3 instances"
    assert {each.comment for each in report.objects} == {"the response does not mention it"}


def test_a_failure_that_names_no_instance_is_that_of_the_objects_nobody_mentions(
    node: ModalityNode, answering: Answering, files: tuple[str, ...], uids: list[str]
) -> None:
    anonymous: Item = {"00081197": {"vr": "US", "Value": [0xC000]}}
    target = answering(response(202, stored=[item(uids[0]), item(uids[1])], other=[anonymous]))
    report = node.run(Stow(target=target, files=files))
    assert signatures(report) == ["ok", "ok", "status 0xC000"]


@pytest.mark.parametrize(
    "sequence",
    [
        {"vr": "LO", "Value": ["all of them"]},
        {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [1, 2]}}]},
    ],
    ids=["words for a sequence", "two reasons"],
)
@pytest.mark.parametrize(("status", "signature"), [(200, "not-dicom"), (409, "http 409")])
def test_a_response_unlike_the_standards_is_no_answer_about_any_object(
    node: ModalityNode,
    answering: Answering,
    files: tuple[str, ...],
    sequence: Item,
    status: int,
    signature: str,
) -> None:
    body = json.dumps({"00081198": sequence}).encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    report = node.run(Stow(target=answering(head + body), files=files))
    assert signatures(report) == [signature] * 3


def test_a_warning_of_the_server_is_passed_on(
    node: ModalityNode, answering: Answering, files: tuple[str, ...], uids: list[str]
) -> None:
    stored = [item(uid) for uid in uids]
    target = answering(response(200, stored=stored, headers='Warning: 299 x "coerced"\r\n'))
    assert node.run(Stow(target=target, files=files)).comment == '299 x "coerced"'


def test_a_connection_that_fails_ends_the_sending(
    node: ModalityNode, peers: ScriptedPeers, files: tuple[str, ...], uids: list[str]
) -> None:
    def script(conversation: Conversation) -> None:
        read_request(conversation)
        if peers.connections == 1:
            conversation.send(response(200, stored=[item(uids[0])]))
        else:
            conversation.reset()

    report = node.run(Stow(target=web_target(peers, script), files=files, per_request=1))
    assert signatures(report) == ["ok", "reset", "reset"]
    assert (peers.connections, len(report.traces)) == (2, 2)
    assert str(report.outcome.signature) == "reset"


def test_a_refused_request_does_not_keep_the_next_from_being_sent(
    node: ModalityNode, peers: ScriptedPeers, files: tuple[str, ...], uids: list[str]
) -> None:
    def script(conversation: Conversation) -> None:
        read_request(conversation)
        good = response(200, stored=[item(uids[2])])
        conversation.send(response(409) if peers.connections == 1 else good)

    report = node.run(Stow(target=web_target(peers, script), files=files, per_request=2))
    assert signatures(report) == ["http 409", "http 409", "ok"]


# --- the real Orthanc -----------------------------------------------------------------------


def held(node: ModalityNode, server: WebTarget, study: list[WrittenFile]) -> int:
    uid = study[0].fingerprint.study_instance_uid
    return len(node.run(Qido(target=server, level="instances", study_instance_uid=uid)).answers)


@pytest.mark.local
@pytest.mark.parametrize(("per_request", "chunked"), [(None, False), (1, False), (2, True)])
def test_orthanc_stores_a_study_however_it_is_packed(
    node: ModalityNode,
    server: WebTarget,
    study: list[WrittenFile],
    files: tuple[str, ...],
    per_request: int | None,
    chunked: bool,
) -> None:
    command = Stow(target=server, files=files, per_request=per_request, chunked=chunked)
    report = node.run(command)
    assert (report.outcome.signature, signatures(report)) == (None, ["ok"] * 3)
    uid = study[0].fingerprint.study_instance_uid
    received = node.run(Wado(target=server, study_instance_uid=uid)).received
    sent = {each.fingerprint.sop_instance_uid: each.fingerprint for each in study}
    assert {each.fingerprint.sop_instance_uid: each.fingerprint for each in received} == sent


@pytest.mark.local
def test_orthanc_1_10_loses_parts_whose_type_has_a_parameter_and_says_200(
    node: ModalityNode, server: WebTarget, study: list[WrittenFile], files: tuple[str, ...]
) -> None:
    part_type = "application/dicom;transfer-syntax={transfer_syntax}"
    report = node.run(Stow(target=server, files=files, part_type=part_type))
    assert report.outcome.succeeded
    if report.comment:  # plugin before 1.19
        assert report.comment == "the response mentions 0 of 3 instances"
    assert held(node, server, study) == (0 if report.comment else 3)


@pytest.mark.local
def test_orthanc_names_the_objects_of_another_study_than_the_path(
    node: ModalityNode, server: WebTarget, study: list[WrittenFile], files: tuple[str, ...]
) -> None:
    report = node.run(Stow(target=server, files=files, study_instance_uid="2.25.99"))
    assert str(report.outcome.signature) == "http 409"
    assert signatures(report) == ["status 0x0110"] * 3
    assert held(node, server, study) == 0


@pytest.mark.local
def test_an_altered_object_is_altered_on_the_web_too(
    node: ModalityNode, server: WebTarget, files: tuple[str, ...]
) -> None:
    command = Stow.model_validate(
        {"target": server, "files": files[:1], "alterations": ["remove StudyInstanceUID"]}
    )
    report = node.run(command)
    assert str(report.outcome.signature) == "http 400"
    assert signatures(report) == ["status 0xC000"]


@pytest.mark.local
def test_silence_of_the_whole_server_is_bounded_by_the_timeouts(
    node: ModalityNode, peers: ScriptedPeers, files: tuple[str, ...], timeouts: Timeouts
) -> None:
    target = web_target(peers, Conversation.silence)
    hasty = timeouts.model_copy(update={"dimse": 0.4})
    report = node.run(Stow(target=target, timeouts=hasty, files=files))
    assert signatures(report) == ["timeout"] * 3
