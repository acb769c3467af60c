"""Storage commitment, MPPS and worklist of profile archives, asked by a modality of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.configuration import ServerConfiguration
from archive.server import ProfileServer
from archive.vendor import VendorProfile
from dicom.association.ends import Caller, Target, Timeouts
from dicom.control import call
from dicom.settings import ArchiveSettings
from dicom.workflow.performed import PerformedStep
from dicom.workflow.schedule import Schedule
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.nodes.node import ModalityNode
from modalities.services.commit import Commit
from modalities.services.echo import Echo
from modalities.services.listen import Listen, Received
from modalities.services.mpps import MppsCreate, MppsSet
from modalities.services.store import Store
from modalities.services.worklist import Worklist
from orchestrator.machine.waiting import wait_until
from orchestrator.stacks.profile.files import find_profile
from tests.archive.conftest import MakeArchive, known
from tests.archive.peer import LOOPBACK
from tests.peers import PATIENCE, reserved_port

STEP: dict[str, object] = {
    "patient": {"name": "SIMULANT^NORA", "id": "LAB-1"},
    "accession_number": "A1",
    "modality": "CT",
    "station": "CT",
}


class Ct:
    """A CT that listens, with three files to send."""

    def __init__(self, exchange: Path) -> None:
        self.node = ModalityNode("ct", exchange)
        self.port = self.node.run(Listen(aetitle="CT", port=0)).port
        self.written: list[WrittenFile] = write_study(exchange, "CT", images=3, rows=8, columns=8)
        self.files = tuple(each.path.name for each in self.written)
        self.uids = [each.fingerprint.sop_instance_uid for each in self.written]
        waits = Timeouts(connect=PATIENCE, acse=PATIENCE, dimse=PATIENCE, network=PATIENCE)
        self.caller = Caller(calling="CT", timeouts=waits)

    def target(self, server: ProfileServer, called: str = "ARCHIVE") -> Target:
        return Target(host=LOOPBACK, port=server.dicom_port, called=called)

    def store(self, server: ProfileServer, *files: str) -> None:
        command = Store(target=self.target(server), caller=self.caller, files=files or self.files)
        assert self.node.run(command).outcome.succeeded

    def commit(self, server: ProfileServer, **given: Any) -> Report:
        command = {
            "target": self.target(server),
            "caller": self.caller,
            "files": self.files,
            "wait": PATIENCE,
            **given,
        }
        return self.node.run(Commit.model_validate(command))


@pytest.fixture
def ct(tmp_path: Path) -> Iterator[Ct]:
    exchange = tmp_path / "exchange"
    exchange.mkdir()
    modality = Ct(exchange)
    yield modality
    modality.node.stop()


@pytest.mark.parametrize("profile", ["orthanc-1.12", "orthanc-1.10", "dcm4chee-5.35"])
def test_what_is_held_is_committed_on_an_association_of_the_archives_own(
    archive: MakeArchive, ct: Ct, profile: str
) -> None:
    server = archive(profile, known_aes=[known("CT", ct.port)])
    ct.store(server)
    report = ct.commit(server)
    assert report.outcome.succeeded, report.comment
    assert report.commitment is not None
    assert (set(report.commitment.committed), report.commitment.failed) == (set(ct.uids), {})
    assert report.commitment.on == "own"


def test_what_is_missing_or_of_another_class_is_told_with_its_reason(
    archive: MakeArchive, ct: Ct
) -> None:
    server = archive("dcm4chee-5.35", known_aes=[known("CT", ct.port)])
    ct.store(server, *ct.files[:2])
    (lost,) = (each for each in server.held() if each.sop_instance == ct.uids[0])
    lost.path.unlink()
    mr_image = "1.2.840.10008.5.1.4.1.1.4"
    report = ct.commit(server, files=(ct.files[0], ct.files[2]), instances=[(mr_image, ct.uids[1])])
    assert report.commitment is not None
    assert report.commitment.committed == ()
    assert report.commitment.failed == {ct.uids[0]: 0x0110, ct.uids[1]: 0x0119, ct.uids[2]: 0x0112}


@pytest.mark.parametrize(
    ("profile", "given", "ending"),
    [
        ("dcm4chee-5.35", {"transaction_uid": ""}, "status 0x0115"),
        ("dcm4chee-5.35", {"files": ()}, "status 0x0115"),
        ("orthanc-1.12", {"files": ()}, "None"),
    ],
)
def test_requests_that_say_too_little_are_answered_the_vendors_way(
    archive: MakeArchive, ct: Ct, profile: str, given: dict[str, object], ending: str
) -> None:
    server = archive(profile, known_aes=[known("CT", ct.port)])
    ct.store(server)
    assert str(ct.commit(server, **given).outcome.signature) == ending


def test_orthanc_leaves_a_request_without_transaction_uid_unanswered(
    archive: MakeArchive, ct: Ct
) -> None:
    server = archive("orthanc-1.12", known_aes=[known("CT", ct.port)])
    hasty = ct.caller.model_copy(update={"timeouts": Timeouts(dimse=0.3)})
    report = ct.commit(server, transaction_uid="", caller=hasty)
    assert str(report.outcome.signature) == "timeout"


@pytest.mark.parametrize(
    ("profile", "ending", "comment"),
    [
        ("orthanc-1.12", "aborted 0/0", ""),
        ("dcm4chee-5.35", "status 0x0110", "Unknown Calling AE: CT"),
    ],
)
def test_a_requester_outside_the_table_is_refused(
    archive: MakeArchive, ct: Ct, profile: str, ending: str, comment: str
) -> None:
    server = archive(profile)
    ct.store(server)
    report = ct.commit(server)
    assert str(report.outcome.signature) == ending
    assert report.comment == comment or not comment


def test_a_result_that_can_not_be_delivered_never_arrives(archive: MakeArchive, ct: Ct) -> None:
    server = archive("orthanc-1.12", known_aes=[known("CT", reserved_port())])
    ct.store(server)
    report = ct.commit(server, wait=0.3)
    assert str(report.outcome.signature) == "timeout"


def adapted(folder: Path, ct: Ct, port: int, **commitment: object) -> ProfileServer:
    """DCM4CHEE's profile with another manner of reporting."""
    profile = find_profile("dcm4chee-5.35")
    assert profile.commitment is not None
    changed = {**profile.commitment.model_dump(), **commitment}
    given = {**profile.model_dump(), "commitment": changed}
    settings = ArchiveSettings(aetitle="ARCHIVE", known_aes=(known("CT", port),))
    configuration = ServerConfiguration(
        name="adapted",
        profile=VendorProfile.model_validate(given),
        settings=settings,
        data=str(folder / "data"),
        exchange=str(folder),
    )
    server = ProfileServer(configuration)
    ct.store(server)
    return server


@pytest.fixture
def adapt(tmp_path: Path, ct: Ct) -> Iterator[Callable[..., ProfileServer]]:
    started: list[ProfileServer] = []

    def start(port: int | None = None, **commitment: object) -> ProfileServer:
        started.append(adapted(tmp_path, ct, port or ct.port, **commitment))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def test_a_vendor_may_report_on_the_requests_own_association(
    adapt: Callable[..., ProfileServer], ct: Ct
) -> None:
    report = ct.commit(adapt(report_on="same"))
    assert report.commitment is not None
    assert (report.commitment.on, set(report.commitment.committed)) == ("same", set(ct.uids))
    assert ct.node.run(Received()).commitments == ()


def test_a_result_is_delivered_later_once_the_table_is_right(
    adapt: Callable[..., ProfileServer], ct: Ct
) -> None:
    server = adapt(reserved_port(), retries=1000, retry_delay=0.01)
    assert str(ct.commit(server, wait=0.3).outcome.signature) == "timeout"
    server.configure(server.settings.model_copy(update={"known_aes": (known("CT", ct.port),)}))
    wait_until(
        lambda: bool(ct.node.run(Received()).commitments), seconds=PATIENCE, what="a late result"
    )
    (late,) = ct.node.run(Received()).commitments
    assert set(late.committed) == set(ct.uids)


def test_a_modality_refuses_a_result_whose_sender_proposes_no_role(
    adapt: Callable[..., ProfileServer], ct: Ct
) -> None:
    server = adapt(proposes_role=False, retries=0)
    assert str(ct.commit(server, wait=0.3).outcome.signature) == "timeout"
    lenient = {"role_selection": "ignored"}
    listen = {"aetitle": "CT", "port": ct.port, "commitment_results": lenient}
    ct.node.run(Listen.model_validate(listen))
    assert ct.commit(server).commitment is not None


# --- worklist and MPPS


def ask(ct: Ct, server: ProfileServer, called: str = "WORKLIST") -> Report:
    return ct.node.run(Worklist(target=ct.target(server, called), caller=ct.caller))


def schedule(server: ProfileServer, *steps: dict[str, object]) -> None:
    body = Schedule.model_validate({"steps": steps})
    call(LOOPBACK, server.web_port, "schedule", body, timeout=PATIENCE)


def performed(server: ProfileServer) -> tuple[PerformedStep, ...]:
    answer = call(LOOPBACK, server.web_port, "performed", timeout=PATIENCE)
    return tuple(PerformedStep.model_validate(each) for each in answer)


def begin(ct: Ct, server: ProfileServer, **given: Any) -> Report:
    command = {"target": ct.target(server), "caller": ct.caller, "modality": "CT", **given}
    return ct.node.run(MppsCreate.model_validate(command))


def go_on(ct: Ct, server: ProfileServer, uid: str, **given: Any) -> Report:
    command = {
        "target": ct.target(server),
        "caller": ct.caller,
        "sop_instance_uid": uid,
        **given,
    }
    return ct.node.run(MppsSet.model_validate(command))


def test_the_worklist_is_answered_at_its_own_title_without_hidden_steps(
    archive: MakeArchive, ct: Ct
) -> None:
    server = archive("dcm4chee-5.35")
    schedule(server, STEP, {**STEP, "accession_number": "A2", "status": "COMPLETED"})
    assert [answer["AccessionNumber"] for answer in ask(ct, server).answers] == ["A1"]
    assert str(ask(ct, server, "ARCHIVE").outcome.signature) == "context 3"


def test_the_worklists_title_offers_neither_storage_nor_commitment(
    archive: MakeArchive, ct: Ct
) -> None:
    server = archive("dcm4chee-5.35", known_aes=[known("CT", ct.port)])
    target = ct.target(server, "WORKLIST")
    echo = ct.node.run(Echo(target=target, caller=ct.caller))
    stored = ct.node.run(Store(target=target, caller=ct.caller, files=ct.files))
    committed = ct.commit(server, target=target)
    created = begin(ct, server, target=target, attributes={"PatientID": "LAB-1"})
    endings = [str(each.outcome.signature) for each in (echo, stored, committed, created)]
    assert endings == ["None", "context 3", "context 3", "None"]


def test_an_emptied_archive_has_no_worklist_and_no_procedure_steps(
    archive: MakeArchive, ct: Ct
) -> None:
    server = archive("dcm4chee-5.35")
    schedule(server, STEP)
    begin(ct, server, attributes={"PatientID": "LAB-1"})
    call(LOOPBACK, server.web_port, "empty", timeout=PATIENCE)
    assert (ask(ct, server).answers, performed(server)) == ((), ())


def test_a_procedure_step_is_followed_from_beginning_to_end(archive: MakeArchive, ct: Ct) -> None:
    server = archive("dcm4chee-5.35")
    schedule(server, STEP)
    (item,) = ask(ct, server).answers
    uid = begin(ct, server, worklist_item=item).sop_instance_uid
    assert [step.status for step in performed(server)] == ["IN PROGRESS"]
    assert go_on(ct, server, uid, files=ct.files).outcome.succeeded
    (step,) = performed(server)
    assert (step.status, step.instances) == ("COMPLETED", frozenset(ct.uids))
    assert step.scheduled[0].accession_number == "A1"


def test_procedure_steps_are_refused_as_dcm4chee_does(archive: MakeArchive, ct: Ct) -> None:
    server = archive("dcm4chee-5.35")
    patient = {"attributes": {"PatientID": "LAB-1"}}
    assert str(begin(ct, server).outcome.signature) == "status 0xA777"
    uid = begin(ct, server, **patient).sop_instance_uid
    twice = begin(ct, server, sop_instance_uid=uid, **patient)
    assert str(twice.outcome.signature) == "status 0x0111"
    assert str(go_on(ct, server, "2.25.404").outcome.signature) == "status 0x0112"
    go_on(ct, server, uid, files=ct.files)
    again = go_on(ct, server, uid, files=ct.files)
    assert str(again.outcome.signature) == "status 0x0110"
    assert "0xA710" in again.comment


@pytest.mark.parametrize("profile", ["orthanc-1.12", "orthanc-1.10"])
def test_orthanc_has_neither_worklist_nor_mpps(archive: MakeArchive, ct: Ct, profile: str) -> None:
    server = archive(profile)
    assert str(ask(ct, server, "ARCHIVE").outcome.signature) == "context 3"
    assert str(begin(ct, server).outcome.signature) == "context 3"
