"""C-GET from DCMTK's archive and from Orthanc, and from SCPs that do it wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian, JPEGLosslessSV1
from pynetdicom import AE, evt
from pynetdicom.dimse_messages import C_GET_RSP
from pynetdicom.dimse_primitives import C_GET
from pynetdicom.dsutils import encode

from dicom.association.ends import Caller, Target
from dicom.association.negotiated import RoleSelection
from dicom.datasets.storage_classes import STORAGE_CLASSES
from dicom.dimse.scu import message_of, store_request
from dicom.errors import UsageError
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.services.get import Get, get
from modalities.services.store import Store, store
from tests.modalities.peers import Conversation, Orthanc, ScriptedPeers
from tests.modalities.services.conftest import StartScp, serving
from tests.modalities.services.messages import RELEASE_RESPONSE, read_message, send_message
from tests.peers import LOOPBACK

CT = "1.2.840.10008.5.1.4.1.1.2"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"


def stopped_at(report: Report) -> str:
    return f"{report.outcome.rung.value}: {report.outcome.signature}"


@pytest.fixture(params=["dcmqrscp", "orthanc"])
def archive(request: pytest.FixtureRequest) -> Target:
    """Each real archive that answers C-GET."""
    if request.param == "dcmqrscp":
        target: Target = request.getfixturevalue("dcmqrscp")
        return target
    orthanc: Orthanc = request.getfixturevalue("orthanc")
    return Target(host=LOOPBACK, port=orthanc.port, called="ORTHANC")


@pytest.fixture
def held(archive: Target, caller: Caller, tmp_path: Path) -> list[WrittenFile]:
    """A study that the archive holds."""
    written = write_study(tmp_path, "CT", images=3, rows=32, columns=32, seed=81)
    names = tuple(each.path.name for each in written)
    stored = store(Store(target=archive, caller=caller, files=names), tmp_path, "ct")
    assert stored.outcome.succeeded
    return written


def of(held: list[WrittenFile]) -> dict[str, str]:
    return {"StudyInstanceUID": held[0].fingerprint.study_instance_uid}


@pytest.mark.local
class TestRealArchives:
    def test_a_study_comes_back_as_it_was_stored(
        self, archive: Target, held: list[WrittenFile], caller: Caller, tmp_path: Path
    ) -> None:
        report = get(Get(target=archive, caller=caller, keys=of(held)), tmp_path, "ws")
        assert stopped_at(report) == "dimse: None", report.comment
        assert {each.fingerprint.digest for each in report.received} == {
            each.fingerprint.digest for each in held
        }
        assert report.counters["completed"] == 3
        assert report.counters.get("failed", 0) == 0

    def test_the_acceptor_grants_the_scp_role_that_was_proposed(
        self, archive: Target, held: list[WrittenFile], caller: Caller, tmp_path: Path
    ) -> None:
        command = Get(target=archive, caller=caller, keys=of(held), storage_classes=(CT,))
        report = get(command, tmp_path, "ws")
        (negotiated,) = report.negotiated
        assert [(role.sop_class, role.scp) for role in negotiated.roles] == [(CT, True)]

    def test_both_roles_can_be_proposed(
        self, archive: Target, held: list[WrittenFile], caller: Caller, tmp_path: Path
    ) -> None:
        command = Get(target=archive, caller=caller, keys=of(held), storage_role="both")
        report = get(command, tmp_path, "ws")
        assert len(report.received) == 3

    def test_only_the_instance_that_was_asked_for_comes(
        self, archive: Target, held: list[WrittenFile], caller: Caller, tmp_path: Path
    ) -> None:
        keys = {
            **of(held),
            "SeriesInstanceUID": held[0].fingerprint.series_instance_uid,
            "SOPInstanceUID": held[1].fingerprint.sop_instance_uid,
        }
        command = Get(target=archive, caller=caller, level="IMAGE", keys=keys)
        report = get(command, tmp_path, "ws")
        assert [each.fingerprint.digest for each in report.received] == [held[1].fingerprint.digest]

    def test_a_context_for_each_syntax_lets_the_archive_choose(
        self, archive: Target, held: list[WrittenFile], caller: Caller, tmp_path: Path
    ) -> None:
        command = Get(
            target=archive,
            caller=caller,
            keys=of(held),
            storage_classes=(CT,),
            one_context_per_syntax=True,
        )
        report = get(command, tmp_path, "ws")
        assert len(report.received) == 3
        proposal = report.traces[0].pdus[0].fields["contexts"]
        assert isinstance(proposal, list)
        assert len(proposal) == 3


@pytest.mark.local
class TestOrthanc:
    def test_without_role_selection_nothing_is_sent(
        self, orthanc: Orthanc, caller: Caller, tmp_path: Path
    ) -> None:
        archive = Target(host=LOOPBACK, port=orthanc.port, called="ORTHANC")
        written = write_study(tmp_path, "CT", images=2, rows=16, columns=16, seed=82)
        names = tuple(each.path.name for each in written)
        store(Store(target=archive, caller=caller, files=names), tmp_path, "ct")
        command = Get(target=archive, caller=caller, keys=of(written), storage_role="none")
        report = get(command, tmp_path, "ws")
        assert stopped_at(report) == "dimse: status 0xA702"  # F10
        assert report.received == ()
        assert report.counters["failed"] == 2
        assert report.negotiated[0].roles == ()

    def test_a_lenient_scu_takes_what_is_sent_without_a_role(
        self, orthanc: Orthanc, caller: Caller, tmp_path: Path
    ) -> None:
        archive = Target(host=LOOPBACK, port=orthanc.port, called="ORTHANC")
        (written,) = write_study(tmp_path, "CT", images=1, rows=16, columns=16, seed=85)
        names = (written.path.name,)
        store(Store(target=archive, caller=caller, files=names), tmp_path, "ct")
        command = Get(
            target=archive,
            caller=caller,
            keys=of([written]),
            storage_role="none",
            lenient=True,
        )
        report = get(command, tmp_path, "ws")
        assert stopped_at(report) == "dimse: None"
        assert len(report.received) == 1

    def test_without_the_storage_class_it_stops(
        self, orthanc: Orthanc, caller: Caller, tmp_path: Path
    ) -> None:
        archive = Target(host=LOOPBACK, port=orthanc.port, called="ORTHANC")
        (written,) = write_study(tmp_path, "CT", images=1, rows=16, columns=16, seed=83)
        store(
            Store(target=archive, caller=caller, files=(written.path.name,)),
            tmp_path,
            "ct",
        )
        command = Get(
            target=archive,
            caller=caller,
            keys=of([written]),
            storage_classes=("1.2.840.10008.5.1.4.1.1.4",),
        )
        report = get(command, tmp_path, "ws")
        assert stopped_at(report) == "dimse: status 0xC000"  # F10b


def sends(*datasets: Any) -> Any:
    def handle(_event: Any) -> Any:
        yield len(datasets)
        for dataset in datasets:
            yield 0xFF00, dataset

    return handle


@pytest.fixture
def image(tmp_path: Path) -> Any:
    (written,) = write_study(tmp_path, "CT", images=1, rows=16, columns=16, seed=84)
    return dcmread(written.path)


class TestPynetdicom:
    def test_failed_instances_are_named_in_the_comment(
        self, caller: Caller, tmp_path: Path, image: Any
    ) -> None:
        image.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"  # never proposed here
        entity = AE("PEER")
        entity.add_supported_context(STUDY_ROOT_GET)
        entity.add_supported_context(CT, scu_role=True, scp_role=True)
        with serving(entity, (evt.EVT_C_GET, sends(image))) as target:
            command = Get(target=target, caller=caller, storage_classes=(CT,))
            report = get(command, tmp_path, "ws")
        assert stopped_at(report) in ("dimse: status 0xA702", "dimse: status 0xB000")
        assert str(image.SOPInstanceUID) in report.comment
        assert report.counters["failed"] == 1


def test_an_instance_that_cannot_be_read_is_refused_and_the_rest_goes_on(
    peers: ScriptedPeers, caller: Caller, tmp_path: Path, image: Any
) -> None:
    whole = encode(image, True, True)
    assert whole is not None
    statuses = list[int]()

    def script(peer: Conversation) -> None:
        peer.accept()
        read_message(peer)
        for number, data in enumerate((b"\x08\x00\x18\x00\xff\xff\x00\x00cut", whole), 1):
            send_message(peer, store_request(number, CT, f"2.25.{number}"), 3, data)
            statuses.append(read_message(peer).Status)
        final = C_GET()
        final.MessageIDBeingRespondedTo = 1
        final.Status = 0xB000
        final.NumberOfCompletedSuboperations = 1
        final.NumberOfFailedSuboperations = 1
        send_message(peer, message_of(C_GET_RSP(), final), 1)
        peer.pdu()
        peer.send(RELEASE_RESPONSE)

    command = Get(target=peers.play(script), caller=caller, storage_classes=(CT,), lenient=True)
    report = get(command, tmp_path, "ws")
    assert stopped_at(report) == "dimse: status 0xB000"
    assert statuses == [0xC000, 0x0000]
    assert [each.fingerprint.sop_instance_uid for each in report.received] == [image.SOPInstanceUID]
    assert report.counters == {"completed": 1, "failed": 1}


def test_an_instance_that_comes_without_a_granted_role_is_refused(
    peers: ScriptedPeers, caller: Caller, tmp_path: Path, image: Any
) -> None:
    whole = encode(image, True, True)
    assert whole is not None
    responses = list[Any]()

    def script(peer: Conversation) -> None:
        peer.accept()  # grants no role
        read_message(peer)
        send_message(peer, store_request(1, CT, "2.25.1"), 3, whole)
        responses.append(read_message(peer))
        final = C_GET()
        final.MessageIDBeingRespondedTo = 1
        final.Status = 0xA702
        final.NumberOfFailedSuboperations = 1
        send_message(peer, message_of(C_GET_RSP(), final), 1)
        peer.pdu()
        peer.send(RELEASE_RESPONSE)

    command = Get(target=peers.play(script), caller=caller, storage_classes=(CT,))
    report = get(command, tmp_path, "ws")
    assert stopped_at(report) == "dimse: status 0xA702"
    assert report.received == ()
    assert [(each.Status, each.ErrorComment) for each in responses] == [
        (0x0122, "no SCP role was negotiated for this SOP class")
    ]


def test_an_archive_that_cannot_get_refuses_the_context(
    scp: StartScp, caller: Caller, tmp_path: Path
) -> None:
    target = scp(["1.2.840.10008.1.1"], [])
    report = get(Get(target=target, caller=caller), tmp_path, "ws")
    assert stopped_at(report) == "negotiate: context 3"


def test_roles_of_the_caller_go_before_those_of_the_storage_classes(
    caller: Caller, tmp_path: Path, scp: StartScp
) -> None:
    seen: list[Any] = []
    target = scp(
        ["1.2.840.10008.1.1"],
        [(evt.EVT_REQUESTED, lambda event: seen.append(event.assoc.requestor.role_selection))],
    )
    caller = caller.model_copy(update={"roles": (RoleSelection(sop_class=CT, scu=True),)})
    get(Get(target=target, caller=caller, storage_classes=(CT,)), tmp_path, "ws")
    (roles,) = seen
    assert [(uid, item.scu_role, item.scp_role) for uid, item in roles.items()] == [
        (CT, True, False)
    ]


def test_default_storage_classes_leave_room_for_the_information_model() -> None:
    assert len(set(STORAGE_CLASSES)) == len(STORAGE_CLASSES) < 128


def test_more_contexts_than_an_association_has_are_no_request(
    caller: Caller, tmp_path: Path
) -> None:
    command = Get(
        target=Target(host=LOOPBACK, port=104, called="X"),
        caller=caller,
        transfer_syntaxes=(str(ImplicitVRLittleEndian), str(JPEGLosslessSV1)),
        one_context_per_syntax=True,
    )
    with pytest.raises(UsageError, match="1 to 128 presentation contexts, not 157"):
        get(command, tmp_path, "ws")
