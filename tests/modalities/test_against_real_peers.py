"""The simulator against products it was not written for: DCMTK's storescp and Orthanc."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_files
from pydicom.uid import UID

from dicom.association.ends import Caller, Target
from dicom.datasets.part10 import fingerprint_of, inspect
from dicom.errors import UsageError
from dicom.ladder import Rung
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.nodes.node import ModalityNode
from modalities.services.echo import Echo
from modalities.services.listen import Listen, Received
from modalities.services.query import Find, Move
from modalities.services.store import Store
from tests.modalities.peers import FOR_12_BITS, Orthanc, StoreScp
from tests.peers import LOOPBACK

pytestmark = pytest.mark.local

#: What pydicom's own files lack. A dataset that Orthanc can't parse as it arrives gets no answer.
UNREADABLE = ("MR_truncated.dcm", "SC_rgb_jpeg.dcm", "rtplan_truncated.dcm")
WITHOUT_STUDY = (  # F14b
    "JPEGLSNearLossless_08.dcm",
    "JPEGLSNearLossless_16.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "SC_rgb_jls_lossy_sample.dcm",
)
WITHOUT_INSTANCE = (  # F15c
    "UN_sequence.dcm",
    "no_meta_group_length.dcm",
    "priv_SQ.dcm",
)
#: Encapsulated pixel data under VR OW, where PS3.5 annex A.4 asks for OB.
UNDECODABLE = ("rtdose_rle.dcm", "rtdose_rle_1frame.dcm")
DIRECTORIES = (
    "DICOMDIR",
    "DICOMDIR-bigEnd",
    "DICOMDIR-empty.dcm",
    "DICOMDIR-implicit",
    "DICOMDIR-nooffset",
    "DICOMDIR-nopatient",
    "DICOMDIR-reordered",
)


def stopped_at(report: Report) -> str:
    return f"{report.outcome.rung.value}: {report.outcome.signature}"


@pytest.fixture
def archive(orthanc: Orthanc) -> Target:
    return Target(host=LOOPBACK, port=orthanc.port, called="ORTHANC")


@pytest.fixture
def ct(caller: Caller) -> Caller:
    return caller


class TestStorescp:
    def test_what_arrives_is_byte_for_byte_the_dataset_that_was_stored(
        self, node: ModalityNode, ct: Caller, study: list[WrittenFile], storescp: StoreScp
    ) -> None:
        names = tuple(written.path.name for written in study)
        report = node.run(Store(target=storescp.target, caller=ct, files=names))
        assert stopped_at(report) == "dimse: None"
        arrived = {fingerprint_of(path).digest for path in storescp.folder.iterdir()}
        assert arrived == {written.fingerprint.digest for written in study}

    @pytest.mark.parametrize("syntax", FOR_12_BITS, ids=lambda syntax: syntax.keyword)
    def test_every_transfer_syntax_travels_unchanged(
        self, node: ModalityNode, ct: Caller, storescp: StoreScp, tmp_path: Path, syntax: UID
    ) -> None:
        (written,) = write_study(
            tmp_path, "CT", images=1, rows=32, columns=32, transfer_syntax=str(syntax)
        )
        report = node.run(Store(target=storescp.target, caller=ct, files=(written.path.name,)))
        if syntax.is_deflated and report.outcome.signature is not None:
            assert stopped_at(report).startswith("negotiate: context")  # DCMTK built without zlib
            return
        assert stopped_at(report) == "dimse: None"
        (path,) = storescp.folder.iterdir()
        arrived = fingerprint_of(path)
        assert arrived.transfer_syntax_uid == syntax
        assert arrived.differences(written.fingerprint) == ()

    def test_more_than_128_contexts_take_more_than_one_association(
        self, node: ModalityNode, ct: Caller, storescp: StoreScp, tmp_path: Path
    ) -> None:
        # each file has a private class of its own: storescp refuses them all, object by object
        (written,) = write_study(tmp_path, "CT", images=1, rows=16, columns=16)
        names = []
        for number in range(130):
            dataset = pydicom.dcmread(written.path)
            dataset.SOPClassUID = f"2.25.{1000 + number}"
            dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
            dataset.save_as(tmp_path / f"{number}.dcm")
            names.append(f"{number}.dcm")
        report = node.run(
            Store(target=storescp.target, caller=ct, files=(*names, written.path.name))
        )
        assert len(report.traces) == 2
        assert len(report.objects) == 131
        assert {str(seen.outcome.signature) for seen in report.objects[:130]} == {"context 3"}
        assert report.objects[130].outcome.succeeded


class TestOrthanc:
    def test_a_stored_study_is_found_and_moved_back(
        self, node: ModalityNode, ct: Caller, archive: Target, orthanc: Orthanc, tmp_path: Path
    ) -> None:
        sent = write_study(tmp_path, "CT", images=3, rows=32, columns=32, seed=77)
        names = tuple(written.path.name for written in sent)
        assert stopped_at(node.run(Store(target=archive, caller=ct, files=names))) == "dimse: None"
        study_uid = sent[0].fingerprint.study_instance_uid

        found = node.run(
            Find(
                target=archive,
                caller=ct,
                level="STUDY",
                keys={"StudyInstanceUID": study_uid, "PatientName": "", "PatientID": ""},
            )
        )
        assert stopped_at(found) == "dimse: None"
        (answer,) = found.answers
        assert answer["PatientID"] == sent[0].fingerprint.patient_id
        assert answer["PatientName"]

        port = node.run(Listen(aetitle="WS", port=0)).port
        orthanc.put("/modalities/ws", ["WS", LOOPBACK, port])
        moved = node.run(
            Move(
                target=archive,
                caller=ct,
                destination="WS",
                keys={"StudyInstanceUID": study_uid},
            )
        )
        assert stopped_at(moved) == "dimse: None"
        received = node.run(Received()).received
        assert {each.fingerprint.digest for each in received} == {
            written.fingerprint.digest for written in sent
        }
        assert {each.move_originator for each in received} == {"CT"}
        assert {each.calling_aetitle for each in received} == {"ORTHANC"}

    def test_a_wrong_called_title_is_rejected_1_1_7(
        self, node: ModalityNode, ct: Caller, archive: Target
    ) -> None:
        wrong = archive.model_copy(update={"called": "OLDPACS"})
        report = node.run(Echo(target=wrong, caller=ct))
        assert stopped_at(report) == "associate: rejected 1/1/7"

    def test_a_query_by_an_unknown_modality_is_aborted(
        self, node: ModalityNode, ct: Caller, archive: Target
    ) -> None:
        stranger = ct.model_copy(update={"calling": "STRANGER"})  # F2b
        report = node.run(Find(target=archive, caller=stranger, keys={"PatientID": "X"}))
        assert stopped_at(report) == "dimse: aborted 0/0"

    def test_a_move_to_a_title_that_it_does_not_know_fails_with_its_status(
        self, node: ModalityNode, ct: Caller, archive: Target, tmp_path: Path
    ) -> None:
        (sent,) = write_study(tmp_path, "CT", images=1, rows=16, columns=16, seed=78)
        node.run(Store(target=archive, caller=ct, files=(sent.path.name,)))
        keys = {"StudyInstanceUID": sent.fingerprint.study_instance_uid}
        report = node.run(Move(target=archive, caller=ct, destination="NOWHERE", keys=keys))
        assert stopped_at(report) == "dimse: status 0xC000"  # F7

    def test_an_unsupported_context_comes_back_with_result_3(
        self, node: ModalityNode, ct: Caller, archive: Target
    ) -> None:
        report = node.run(
            Echo(target=archive, caller=ct, transfer_syntaxes=("1.2.840.10008.1.2.4.50",))
        )
        assert report.outcome.rung is Rung.NEGOTIATE

    @pytest.mark.filterwarnings("ignore:Expected explicit VR")  # SC_rgb_jpeg.dcm is mislabelled
    def test_real_files_are_each_stored_or_refused_for_the_right_reason(
        self, node: ModalityNode, ct: Caller, archive: Target, orthanc: Orthanc
    ) -> None:
        short = ct.timeouts.model_copy(update={"dimse": 0.5})
        unsendable, stored, outcomes = 0, set[str](), dict[str, str]()
        for path in (Path(name) for name in get_testdata_files()):
            if not path.is_file():
                continue
            try:
                inspect(path)
            except UsageError:
                unsendable += 1
                continue
            unreadable = path.name in UNREADABLE
            caller = ct.model_copy(update={"timeouts": short}) if unreadable else ct
            report = node.run(Store(target=archive, caller=caller, files=(str(path),)))
            if report.outcome.succeeded:
                stored.add(report.objects[0].sop_instance_uid)
            else:
                outcomes[path.name] = stopped_at(report)
        assert outcomes == {
            **dict.fromkeys(UNREADABLE, "dimse: timeout"),
            **dict.fromkeys(WITHOUT_STUDY, "dimse: status 0xA700"),
            **dict.fromkeys(WITHOUT_INSTANCE + UNDECODABLE, "dimse: status 0xC000"),
            **dict.fromkeys(DIRECTORIES, "negotiate: context 3"),
        }
        held = {
            each["MainDicomTags"].get("SOPInstanceUID") for each in orthanc.get("/instances?expand")
        }
        assert stored <= held
        assert len(stored) > 80
        assert unsendable > 0
