"""The RIS's MPPS: what it keeps of a procedure step, and what it refuses (PS3.4 annex F)."""

from __future__ import annotations

from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, evt

from dicom.workflow.performed import PerformedStep
from dicom.workflow.performed_step import MPPS
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.services.listen import Forget
from modalities.services.mpps import MppsCreate, MppsSet
from tests.modalities.acceptors.ris.conftest import Department, step
from tests.peers import LOOPBACK


def begin(department: Department, **given: Any) -> Report:
    command = {"target": department.target, "caller": department.caller, "modality": "CT", **given}
    return department.ct.run(MppsCreate.model_validate(command))


def go_on(department: Department, uid: str, **given: Any) -> Report:
    command = {
        "target": department.target,
        "caller": department.caller,
        "sop_instance_uid": uid,
        **given,
    }
    return department.ct.run(MppsSet.model_validate(command))


def only_step(department: Department) -> PerformedStep:
    (performed,) = department.known().performed
    return performed


@pytest.fixture
def files(department: Department) -> list[WrittenFile]:
    return write_study(department.exchange, "CT", images=3, rows=16, columns=16)


def names(files: list[WrittenFile]) -> tuple[str, ...]:
    return tuple(written.path.name for written in files)


def test_a_step_that_begins_is_known_with_what_it_was_scheduled_for(
    department: Department,
) -> None:
    department.schedule(step("A9", id="S9", procedure_id="R9", study_uid="2.25.9"))
    department.open()
    (item,) = department.ask().answers
    report = begin(department, worklist_item=item)
    assert report.outcome.succeeded
    performed = only_step(department)
    assert performed.sop_instance_uid == report.sop_instance_uid
    assert (performed.status, performed.ended, performed.series) == ("IN PROGRESS", "", ())
    assert (performed.station, performed.calling_aetitle) == ("CT", "CT")
    (scheduled,) = performed.scheduled
    assert scheduled.model_dump() == {
        "study_uid": "2.25.9",
        "accession_number": "A9",
        "procedure_id": "R9",
        "step_id": "S9",
    }


def test_a_completed_step_is_known_with_its_series_and_every_instance(
    department: Department, files: list[WrittenFile]
) -> None:
    department.open()
    uid = begin(department).sop_instance_uid
    assert go_on(department, uid, files=names(files)).outcome.succeeded
    performed = only_step(department)
    assert (performed.status, len(performed.series)) == ("COMPLETED", 1)
    assert performed.instances == {each.fingerprint.sop_instance_uid for each in files}
    assert performed.series[0].series_uid == files[0].fingerprint.series_instance_uid
    assert performed.ended


def test_a_discontinued_step_is_known_with_its_reason(department: Department) -> None:
    department.open()
    uid = begin(department).sop_instance_uid
    code = "PerformedProcedureStepDiscontinuationReasonCodeSequence"
    reason = {
        f"{code}.CodeValue": "110501",
        f"{code}.CodingSchemeDesignator": "DCM",
        f"{code}.CodeMeaning": "Equipment failure",
    }
    assert go_on(department, uid, status="DISCONTINUED", attributes=reason).outcome.succeeded
    performed = only_step(department)
    assert (performed.status, performed.discontinuation_reason) == (
        "DISCONTINUED",
        "Equipment failure",
    )


def test_a_patient_keeps_the_name_where_the_step_goes_on_in_another_character_set(
    department: Department,
) -> None:
    department.open()
    uid = begin(
        department, attributes={"PatientName": "MÜLLER^JÖRG"}, character_set="ISO_IR 100"
    ).sop_instance_uid
    series = {"PerformedSeriesSequence.SeriesInstanceUID": "2.25.5"}
    report = go_on(
        department,
        uid,
        status="DISCONTINUED",
        attributes={**series, "PerformedSeriesSequence.ProtocolName": "Schädel"},
        character_set="ISO_IR 192",
    )
    assert report.outcome.succeeded, report.comment
    performed = only_step(department)
    assert (performed.patient_name, performed.series[0].protocol) == ("MÜLLER^JÖRG", "Schädel")


def test_the_same_step_can_not_begin_twice(department: Department) -> None:
    department.open()
    uid = begin(department).sop_instance_uid
    assert str(begin(department, sop_instance_uid=uid).outcome.signature) == "status 0x0111"
    assert len(department.known().performed) == 1


def test_a_step_that_never_began_can_not_go_on(department: Department) -> None:
    department.open()
    report = go_on(department, "2.25.404", status="IN PROGRESS")
    assert str(report.outcome.signature) == "status 0x0112"


@pytest.mark.parametrize("ending", ["COMPLETED", "DISCONTINUED"])
def test_a_step_that_is_over_is_not_changed_any_more(
    department: Department, files: list[WrittenFile], ending: str
) -> None:
    department.open()
    uid = begin(department).sop_instance_uid
    go_on(department, uid, status=ending, files=names(files))
    report = go_on(department, uid, status="COMPLETED", files=names(files[:1]))
    assert str(report.outcome.signature) == "status 0x0110"
    assert "may no longer be updated" in report.comment
    assert "0xA710" in report.comment
    assert only_step(department).status == ending
    assert len(only_step(department).instances) == 3


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"omit": ["PerformedStationAETitle"]}, "status 0x0120"),
        ({"omit": ["PatientID"]}, "status 0x0120"),
        ({"attributes": {"Modality": ""}}, "status 0x0121"),
        ({"attributes": {"PerformedProcedureStepStatus": "COMPLETED"}}, "status 0x0106"),
        (
            {"omit": ["ScheduledStepAttributesSequence.StudyInstanceUID"]},
            "status 0x0120",
        ),
    ],
)
def test_a_step_that_begins_without_what_it_must_have_is_refused(
    department: Department, given: dict[str, object], status: str
) -> None:
    department.open()
    assert str(begin(department, **given).outcome.signature) == status
    assert department.known().performed == ()
    department.open(mpps={"checks": False})
    assert begin(department, **given).outcome.succeeded


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"omit": ["PerformedSeriesSequence"]}, "status 0x0120"),
        ({"omit": ["PerformedProcedureStepEndTime"]}, "status 0x0121"),
        ({"attributes": {"PatientID": "OTHER"}}, "status 0x0105"),
        ({"attributes": {"PerformedProcedureStepStatus": "DONE"}}, "status 0x0106"),
        ({"attributes": {"PerformedSeriesSequence.ProtocolName": ""}}, "status 0x0121"),
    ],
)
def test_a_step_is_not_completed_without_what_it_must_have_then(
    department: Department, files: list[WrittenFile], given: dict[str, object], status: str
) -> None:
    department.open()
    uid = begin(department, omit=["PerformedSeriesSequence"]).sop_instance_uid
    assert str(go_on(department, uid, files=names(files), **given).outcome.signature) == status
    assert only_step(department).status == "IN PROGRESS"


@pytest.mark.parametrize(
    ("rules", "begins", "goes_on"),
    [
        ({"create_failure": {"status": 0x0213, "comment": "full"}}, "status 0x0213", ""),
        ({"set_failure": {"status": 0x0110}}, "None", "status 0x0110"),
        ({"missing_patient_id": {"status": 0xA777}}, "status 0xA777", ""),
    ],
)
def test_a_ris_can_be_told_to_refuse(
    department: Department, rules: dict[str, object], begins: str, goes_on: str
) -> None:
    department.open(mpps=rules)
    report = begin(department)
    assert str(report.outcome.signature) == begins
    if goes_on:
        set_report = go_on(department, report.sop_instance_uid, status="IN PROGRESS")
        assert str(set_report.outcome.signature) == goes_on


def test_the_scp_names_a_step_that_its_modality_did_not_name(department: Department) -> None:
    department.open(mpps={"checks": False})
    entity = AE(ae_title="OTHER")
    entity.add_requested_context(MPPS)
    responses: list[Any] = []
    seen: list[Any] = [
        (evt.EVT_DIMSE_RECV, lambda event: responses.append(event.message.command_set))
    ]
    association = entity.associate(LOOPBACK, department.port, evt_handlers=seen)
    attributes = Dataset()
    attributes.PerformedProcedureStepStatus = "IN PROGRESS"
    status, _ = association.send_n_create(attributes, MPPS, None)
    association.release()
    assert status.Status == 0x0000
    performed = only_step(department)
    assert responses[0].AffectedSOPInstanceUID == performed.sop_instance_uid
    assert performed.calling_aetitle == "OTHER"


def test_steps_outlive_a_change_of_behaviour_and_are_dropped_when_told(
    department: Department,
) -> None:
    department.open()
    begin(department)
    department.open(mpps={"set_failure": {"status": 0x0110}})
    assert len(department.known().performed) == 1
    department.ris.run(Forget())
    assert department.known().performed == ()


def test_without_mpps_the_context_is_refused(department: Department) -> None:
    department.open(mpps=None)
    assert str(begin(department).outcome.signature) == "context 3"
