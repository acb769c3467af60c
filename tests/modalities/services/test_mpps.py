"""Modality performed procedure steps: begun from a worklist item, ended with what was acquired."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import UID
from pynetdicom import evt

from dicom.association.ends import Caller, Target
from dicom.datasets.identifier import attributes_of
from dicom.errors import UsageError
from dicom.workflow.performed_step import MPPS
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.services.mpps import MppsCreate, MppsSet, mpps_create, mpps_set
from modalities.services.worklist import Worklist, worklist
from tests.modalities.services.conftest import StartScp, status
from tests.modalities.services.worklists import STEP, item
from tests.peers import LOOPBACK

SCHEDULED = "ScheduledStepAttributesSequence."
#: Type 1 and type 2 attributes of an N-CREATE (PS3.4 table F.7.2-1).
REQUIRED_WITH_VALUE = {
    "ScheduledStepAttributesSequence.StudyInstanceUID",
    "PerformedProcedureStepID",
    "PerformedStationAETitle",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "PerformedProcedureStepStatus",
    "Modality",
}
REQUIRED = {
    f"{SCHEDULED}ReferencedStudySequence",
    f"{SCHEDULED}AccessionNumber",
    f"{SCHEDULED}RequestedProcedureID",
    f"{SCHEDULED}RequestedProcedureDescription",
    f"{SCHEDULED}ScheduledProcedureStepID",
    f"{SCHEDULED}ScheduledProcedureStepDescription",
    f"{SCHEDULED}ScheduledProtocolCodeSequence",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "ReferencedPatientSequence",
    "PerformedStationName",
    "PerformedLocation",
    "PerformedProcedureStepDescription",
    "PerformedProcedureTypeDescription",
    "ProcedureCodeSequence",
    "PerformedProcedureStepEndDate",
    "PerformedProcedureStepEndTime",
    "StudyID",
    "PerformedProtocolCodeSequence",
    "PerformedSeriesSequence",
}
STARTED = datetime.datetime(2026, 1, 5, 8, 3, 7)


def stopped_at(report: Report) -> str:
    return f"{report.outcome.rung.value}: {report.outcome.signature}"


class Ris:
    """What an MPPS SCP was told."""

    def __init__(self) -> None:
        self.created: dict[str, Dataset] = {}
        self.modified: list[tuple[str, Dataset]] = []

    def create(self, event: Any) -> tuple[Any, Any]:
        uid = str(event.request.AffectedSOPInstanceUID)
        if uid in self.created:
            return status(0x0111, "it is there already"), None
        self.created[uid] = event.attribute_list
        return 0x0000, event.attribute_list

    def set(self, event: Any) -> tuple[Any, Any]:
        uid = str(event.request.RequestedSOPInstanceUID)
        if uid not in self.created:
            return status(0x0112), None
        self.modified.append((uid, event.modification_list))
        return 0x0000, event.modification_list


@pytest.fixture
def ris() -> Ris:
    return Ris()


@pytest.fixture
def target(scp: StartScp, ris: Ris) -> Target:
    return scp([MPPS], [(evt.EVT_N_CREATE, ris.create), (evt.EVT_N_SET, ris.set)])


class TestInProgress:
    def test_a_step_takes_patient_and_order_from_the_worklist_item(
        self, target: Target, ris: Ris, caller: Caller, tmp_path: Path
    ) -> None:
        command = MppsCreate(
            target=target,
            caller=caller,
            modality="CT",
            worklist_item=item(1, "CT"),
            started=STARTED,
        )
        report = mpps_create(command, tmp_path, "ct")
        assert stopped_at(report) == "dimse: None", report.comment
        words = attributes_of(ris.created[report.sop_instance_uid])
        expected = {
            "PatientName": "Phantom^1",
            "PatientID": "P1",
            f"{SCHEDULED}StudyInstanceUID": "2.25.1",
            f"{SCHEDULED}AccessionNumber": "ACC1",
            f"{SCHEDULED}RequestedProcedureID": "RP1",
            f"{SCHEDULED}ScheduledProcedureStepID": "SPS1",
            f"{SCHEDULED}ScheduledProcedureStepDescription": "Thorax native",
            "PerformedProcedureStepID": "SPS1",
            "PerformedProcedureStepDescription": "Thorax native",
            "StudyID": "RP1",
            "ProcedureCodeSequence.CodeValue": "THX",
            "ProcedureCodeSequence.CodeMeaning": "Thorax",
            "PerformedStationAETitle": "CT",
            "PerformedProcedureStepStatus": "IN PROGRESS",
            "PerformedProcedureStepStartDate": "20260105",
            "PerformedProcedureStepStartTime": "080307",
            "Modality": "CT",
        }
        assert {key: words.get(key) for key in expected} == expected

    @pytest.mark.parametrize("scheduled", [{}, item(1, "CT")], ids=["unscheduled", "scheduled"])
    def test_every_required_attribute_is_there(
        self,
        scheduled: dict[str, str],
        target: Target,
        ris: Ris,
        caller: Caller,
        tmp_path: Path,
    ) -> None:
        command = MppsCreate(target=target, caller=caller, modality="CT", worklist_item=scheduled)
        report = mpps_create(command, tmp_path, "ct")
        words = attributes_of(ris.created[report.sop_instance_uid])
        there = words.keys() | {key.rpartition(".")[0] for key in words}
        assert there >= REQUIRED | REQUIRED_WITH_VALUE
        assert all(words[key] for key in REQUIRED_WITH_VALUE)

    def test_an_unscheduled_step_is_in_the_study_that_it_is_told(
        self, target: Target, ris: Ris, caller: Caller, tmp_path: Path
    ) -> None:
        command = MppsCreate(
            target=target,
            caller=caller,
            modality="CT",
            study_instance_uid="2.25.77",
            sop_instance_uid="2.25.78",
        )
        assert mpps_create(command, tmp_path, "ct").sop_instance_uid == "2.25.78"
        step = ris.created["2.25.78"]
        assert step.ScheduledStepAttributesSequence[0].StudyInstanceUID == "2.25.77"

    def test_a_code_that_the_worklist_left_empty_is_no_item(
        self, target: Target, ris: Ris, caller: Caller, tmp_path: Path
    ) -> None:
        scheduled = item(1, "CT") | {
            "ReferencedStudySequence.ReferencedSOPClassUID": "",
            "ReferencedStudySequence.ReferencedSOPInstanceUID": "",
            f"{STEP}ScheduledProtocolCodeSequence.CodeValue": "",
        }
        command = MppsCreate(target=target, caller=caller, modality="CT", worklist_item=scheduled)
        step = ris.created[mpps_create(command, tmp_path, "ct").sop_instance_uid]
        (attributes,) = step.ScheduledStepAttributesSequence
        assert len(attributes.ReferencedStudySequence) == 0
        assert len(attributes.ScheduledProtocolCodeSequence) == 0
        assert len(step.PerformedProtocolCodeSequence) == 0

    def test_a_new_uid_is_a_valid_one(self, target: Target, caller: Caller, tmp_path: Path) -> None:
        command = MppsCreate(target=target, caller=caller, modality="CT")
        uids = {mpps_create(command, tmp_path, "ct").sop_instance_uid for _ in range(2)}
        assert len(uids) == 2
        assert all(UID(uid).is_valid for uid in uids)

    def test_an_attribute_can_be_otherwise_or_missing(
        self, target: Target, ris: Ris, caller: Caller, tmp_path: Path
    ) -> None:
        command = MppsCreate(
            target=target,
            caller=caller,
            modality="CT",
            worklist_item=item(1, "CT"),
            attributes={f"{SCHEDULED}AccessionNumber": "TYPED", "PatientName": "Фантом"},
            omit=("PatientID", "ProcedureCodeSequence"),
        )
        report = mpps_create(command, tmp_path, "ct")
        step = ris.created[report.sop_instance_uid]
        assert step.ScheduledStepAttributesSequence[0].AccessionNumber == "TYPED"
        assert step.PatientName == "Фантом"
        assert "PatientID" not in step
        assert "ProcedureCodeSequence" not in step

    def test_a_duplicate_is_refused_with_its_status_and_words(
        self, target: Target, caller: Caller, tmp_path: Path
    ) -> None:
        command = MppsCreate(target=target, caller=caller, modality="CT", sop_instance_uid="2.25.5")
        mpps_create(command, tmp_path, "ct")
        report = mpps_create(command, tmp_path, "ct")
        assert stopped_at(report) == "dimse: status 0x0111"
        assert report.comment == "it is there already"
        assert report.sop_instance_uid == "2.25.5"

    def test_leaving_out_what_is_not_there_is_no_request(
        self, target: Target, caller: Caller, tmp_path: Path
    ) -> None:
        command = MppsCreate(target=target, caller=caller, modality="CT", omit=("PatientAge",))
        with pytest.raises(UsageError, match="no 'PatientAge' to leave out"):
            mpps_create(command, tmp_path, "ct")


class TestTheEnd:
    @pytest.fixture
    def begun(self, target: Target, caller: Caller, tmp_path: Path) -> str:
        command = MppsCreate(target=target, caller=caller, modality="CT")
        return mpps_create(command, tmp_path, "ct").sop_instance_uid

    def test_a_completed_step_refers_to_every_instance_of_every_series(
        self, target: Target, ris: Ris, caller: Caller, tmp_path: Path, begun: str
    ) -> None:
        written = [
            *write_study(tmp_path, "CT", images=2, rows=16, columns=16, seed=5),
            *write_study(tmp_path, "CT", images=1, rows=16, columns=16, seed=6),
        ]
        command = MppsSet(
            target=target,
            caller=caller,
            sop_instance_uid=begun,
            files=tuple(each.path.name for each in written),
            ended=STARTED,
        )
        report = mpps_set(command, tmp_path, "ct")
        assert stopped_at(report) == "dimse: None", report.comment
        ((uid, modifications),) = ris.modified
        assert uid == report.sop_instance_uid == begun
        assert modifications.PerformedProcedureStepStatus == "COMPLETED"
        assert modifications.PerformedProcedureStepEndDate == "20260105"
        assert modifications.PerformedProcedureStepEndTime == "080307"
        assert {
            (series.SeriesInstanceUID, image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID)
            for series in modifications.PerformedSeriesSequence
            for image in series.ReferencedImageSequence
        } == {
            (
                each.fingerprint.series_instance_uid,
                each.fingerprint.sop_class_uid,
                each.fingerprint.sop_instance_uid,
            )
            for each in written
        }
        assert len(modifications.PerformedSeriesSequence) == 2
        for series in modifications.PerformedSeriesSequence:
            assert series.ProtocolName
            assert {"OperatorsName", "PerformingPhysicianName", "RetrieveAETitle"} <= set(
                series.dir()
            )

    def test_what_is_no_image_is_referred_to_as_such(
        self,
        target: Target,
        ris: Ris,
        caller: Caller,
        tmp_path: Path,
        begun: str,
        study: list[WrittenFile],
    ) -> None:
        report = dcmread(study[0].path)
        report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.67"
        for keyword in ("Rows", "Columns", "PixelData"):
            delattr(report, keyword)
        report.save_as(tmp_path / "dose.dcm")
        command = MppsSet(target=target, caller=caller, sop_instance_uid=begun, files=("dose.dcm",))
        mpps_set(command, tmp_path, "ct")
        (series,) = ris.modified[0][1].PerformedSeriesSequence
        assert len(series.ReferencedImageSequence) == 0
        (reference,) = series.ReferencedNonImageCompositeSOPInstanceSequence
        assert reference.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.88.67"

    def test_a_discontinued_step_says_why(
        self, target: Target, ris: Ris, caller: Caller, tmp_path: Path, begun: str
    ) -> None:
        reason = "PerformedProcedureStepDiscontinuationReasonCodeSequence"
        command = MppsSet(
            target=target,
            caller=caller,
            sop_instance_uid=begun,
            status="DISCONTINUED",
            attributes={f"{reason}.CodeValue": "110513", f"{reason}.CodingSchemeDesignator": "DCM"},
        )
        mpps_set(command, tmp_path, "ct")
        modifications = ris.modified[0][1]
        assert modifications.PerformedProcedureStepStatus == "DISCONTINUED"
        assert modifications[reason][0].CodeValue == "110513"
        assert len(modifications.PerformedSeriesSequence) == 0

    def test_a_step_that_goes_on_has_no_end(
        self, target: Target, ris: Ris, caller: Caller, tmp_path: Path, begun: str
    ) -> None:
        command = MppsSet(
            target=target, caller=caller, sop_instance_uid=begun, status="IN PROGRESS"
        )
        mpps_set(command, tmp_path, "ct")
        assert "PerformedProcedureStepEndDate" not in ris.modified[0][1]

    def test_references_can_be_left_out(
        self,
        target: Target,
        ris: Ris,
        caller: Caller,
        tmp_path: Path,
        begun: str,
        study: list[WrittenFile],
    ) -> None:
        command = MppsSet(
            target=target,
            caller=caller,
            sop_instance_uid=begun,
            files=(study[0].path.name,),
            omit=("PerformedSeriesSequence.ReferencedImageSequence",),
        )
        mpps_set(command, tmp_path, "ct")
        (series,) = ris.modified[0][1].PerformedSeriesSequence
        assert "ReferencedImageSequence" not in series
        assert series.SeriesInstanceUID == study[0].fingerprint.series_instance_uid

    def test_an_unknown_step_is_refused(
        self, target: Target, caller: Caller, tmp_path: Path
    ) -> None:
        command = MppsSet(target=target, caller=caller, sop_instance_uid="2.25.404")
        assert stopped_at(mpps_set(command, tmp_path, "ct")) == "dimse: status 0x0112"


def test_an_archive_without_mpps_refuses_the_context(
    scp: StartScp, caller: Caller, tmp_path: Path
) -> None:
    target = scp(["1.2.840.10008.1.1"], [])
    command = MppsCreate(target=target, caller=caller, modality="CT")
    assert stopped_at(mpps_create(command, tmp_path, "ct")) == "negotiate: context 3"  # F12a


@pytest.mark.local
def test_a_worklist_answer_of_a_real_scp_begins_a_step(
    wlmscpfs: tuple[Target, Callable[[dict[str, str]], None]],
    target: Target,
    ris: Ris,
    caller: Caller,
    tmp_path: Path,
) -> None:
    worklists, schedule = wlmscpfs
    schedule(item(3, "CT", PatientName="Фантом^Третий"))
    query = Worklist(target=worklists, caller=caller, keys={f"{STEP}Modality": "CT"})
    (answer,) = worklist(query, tmp_path, "ct").answers
    command = MppsCreate(target=target, caller=caller, modality="CT", worklist_item=answer)
    report = mpps_create(command, tmp_path, "ct")
    assert stopped_at(report) == "dimse: None", report.comment
    step = ris.created[report.sop_instance_uid]
    assert step.PatientName == "Фантом^Третий"
    assert step.ScheduledStepAttributesSequence[0].StudyInstanceUID == "2.25.3"


def test_attributes_of_a_file_that_is_none_are_no_request(caller: Caller, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no image")
    command = MppsSet(
        target=Target(host=LOOPBACK, port=104, called="RIS"),
        caller=caller,
        sop_instance_uid="2.25.1",
        files=("notes.txt",),
    )
    with pytest.raises(UsageError, match=r"notes\.txt"):
        mpps_set(command, tmp_path, "ct")
