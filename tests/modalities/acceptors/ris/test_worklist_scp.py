"""The RIS's worklist: what it answers to whom, and how its file can be wrong."""

from __future__ import annotations

import datetime
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom.dimse_primitives import C_FIND

from dicom.association.accepted import Context
from dicom.datasets.codec import decode
from dicom.datasets.identifier import encoded
from dicom.errors import UsageError
from dicom.patients import CHARACTERS
from dicom.workflow.schedule import ScheduleFile
from dicom.workflow.worklist import MODALITY_WORKLIST, find
from modalities.acceptors.worklist import WorklistAcceptor
from modalities.commands import Report
from modalities.scp.acceptor import AcceptorNeeds
from modalities.scp.behaviour import ScpBehaviour, WorklistRules
from modalities.scp.intake import Intake
from tests.modalities.acceptors.ris.conftest import WORKLIST, Department, step
from tests.peers import LOOPBACK, tool

STEP = "ScheduledProcedureStepSequence."


def accessions(report: Report) -> list[str]:
    assert report.outcome.succeeded, report.comment
    return [answer["AccessionNumber"] for answer in report.answers]


def test_a_scheduled_step_is_answered_with_all_that_a_modality_needs(
    department: Department,
) -> None:
    code = {"value": "CTHEAD", "scheme": "99LAB", "meaning": "CT of the head"}
    department.schedule(
        step(
            id="S7",
            procedure_id="R7",
            description="Head",
            protocol_codes=[code],
            study_uid="2.25.7",
        )
    )
    department.open()
    (answer,) = department.ask().answers
    assert answer["PatientName"] == "SIMULANT^NORA"
    assert answer["PatientBirthDate"] == "19780101"
    assert answer["StudyInstanceUID"] == "2.25.7"
    assert answer["RequestedProcedureID"] == "R7"
    assert answer[f"{STEP}ScheduledStationAETitle"] == "CT"
    assert answer[f"{STEP}ScheduledProcedureStepStartTime"] == "083000"
    assert answer[f"{STEP}ScheduledProtocolCodeSequence.CodeValue"] == "CTHEAD"
    assert answer[f"{STEP}ScheduledProcedureStepID"] == "S7"
    assert answer["MedicalAlerts"] == ""  # asked for, and unknown here


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        ({}, ["A1", "A2", "B3"]),
        ({"AccessionNumber": "A2"}, ["A2"]),
        ({"AccessionNumber": "A*"}, ["A1", "A2"]),
        ({"AccessionNumber": "?3"}, ["B3"]),
        ({"AccessionNumber": "a1"}, []),
        ({"PatientName": "simulant^*"}, ["A1", "A2", "B3"]),
        ({"step_Modality": "MR"}, ["B3"]),
        ({"step_ScheduledStationAETitle": "OTHER"}, []),
        ({"step_Modality": "CT", "step_ScheduledStationAETitle": "CT"}, ["A1", "A2"]),
        ({"step_ScheduledProcedureStepStartDate": "20261124"}, ["A1"]),
        ({"step_ScheduledProcedureStepStartDate": "20261124-20261125"}, ["A1", "A2"]),
        ({"step_ScheduledProcedureStepStartDate": "20261125-"}, ["A2", "B3"]),
        ({"step_ScheduledProcedureStepStartDate": "-20261125"}, ["A1", "A2"]),
        ({"step_ScheduledProcedureStepStartTime": "0800-0900"}, ["A1", "A2", "B3"]),
        ({"step_ScheduledProcedureStepStartTime": "0900-"}, []),
        ({"StudyInstanceUID": "2.25.1\\2.25.3"}, ["A1", "B3"]),
        ({"RequestedProcedureCodeSequence.CodeValue": "X"}, []),
    ],
)
def test_a_query_finds_the_steps_that_match_every_key(
    department: Department, keys: dict[str, str], found: list[str]
) -> None:
    department.schedule(
        step("A1", study_uid="2.25.1"),
        step("A2", study_uid="2.25.2", date="2026-11-25"),
        step("B3", study_uid="2.25.3", date="2026-11-26", modality="MR", station="MR"),
    )
    department.open()
    assert accessions(department.ask(**keys)) == found


@pytest.mark.parametrize("patient", [name for name in CHARACTERS if name != "empty"])
def test_a_patient_keeps_the_name_and_its_script(department: Department, patient: str) -> None:
    department.schedule(step(patient=patient))
    department.open()
    (answer,) = department.ask().answers
    assert answer["PatientName"] == CHARACTERS[patient].name


def test_a_name_is_found_by_its_ideographic_group_alone(department: Department) -> None:
    department.schedule(step("A1", patient="japanese"), step("A2", patient="korean"))
    department.open()
    assert accessions(department.ask(PatientName="山田*")) == ["A1"]


def test_the_group_lengths_of_an_old_modality_s_query_are_nothing_to_match(
    department: Department,
) -> None:
    department.schedule(step("A1"))
    step_lengths = Dataset()
    step_lengths.add_new(0x00400000, "UL", 10)
    step_lengths.Modality = "CT"
    query = Dataset()
    query.add_new(0x00080000, "UL", 8)
    query.AccessionNumber = ""
    query.ScheduledProcedureStepSequence = [step_lengths]
    schedule = ScheduleFile(department.exchange / WORKLIST).current()
    (answer,) = find(schedule, query, datetime.date(2026, 11, 24))
    assert answer.AccessionNumber == "A1"


def test_a_step_for_today_is_found_by_todays_date(department: Department) -> None:
    department.schedule(step("A1", date="today"), step("A2", date="2001-01-01"))
    department.open()
    today = datetime.date.today().strftime("%Y%m%d")
    found = department.ask(step_ScheduledProcedureStepStartDate=today)
    assert accessions(found) in (["A1"], [])  # [] where midnight passed in between
    assert accessions(department.ask(step_ScheduledProcedureStepStartDate="20010101")) == ["A2"]


def test_a_file_changed_meanwhile_is_answered_as_it_is_now(department: Department) -> None:
    department.schedule(step("A1"))
    department.open()
    assert accessions(department.ask()) == ["A1"]
    department.schedule(step("A1"), step("LATER2"))
    assert accessions(department.ask()) == ["A1", "LATER2"]


def test_a_change_that_leaves_the_file_as_long_as_it_was_is_noticed(
    department: Department,
) -> None:
    department.schedule(step("A1"))
    department.open()
    assert accessions(department.ask()) == ["A1"]
    department.schedule(step("A2"))
    os.utime(department.exchange / WORKLIST, ns=(1, 1))  # whatever the clock's resolution
    assert accessions(department.ask()) == ["A2"]


def test_a_query_that_is_cancelled_ends_with_the_items_so_far(department: Department) -> None:
    department.schedule(step("A1"), step("A2"))
    behaviour = ScpBehaviour(aetitle="RIS", port=0)
    acceptor = WorklistAcceptor(
        AcceptorNeeds(behaviour, department.exchange, Intake()), WorklistRules(file=WORKLIST)
    )
    context = Context(1, MODALITY_WORKLIST, ImplicitVRLittleEndian)
    identifier = Dataset()
    identifier.AccessionNumber = ""
    request = C_FIND()
    request.MessageID = 7
    request.AffectedSOPClassUID = MODALITY_WORKLIST
    request.Identifier = encoded(identifier, context.transfer_syntax)
    responses: list[tuple[int | None, str | None]] = []

    def send(response: C_FIND, _: Context) -> None:
        content = response.Identifier
        item = decode(content.getvalue() if content else b"", context.transfer_syntax)
        responses.append((response.Status, item.get("AccessionNumber")))

    association: Any = SimpleNamespace(
        calling="CT", send=send, cancelled=lambda message: message == 7 and bool(responses)
    )
    assert acceptor.answer(association, context, request)
    assert responses == [(0xFF00, "A1"), (0xFE00, None)]


def test_a_file_gone_bad_meanwhile_is_a_failure_that_says_so(department: Department) -> None:
    department.schedule(step("A1"))
    department.open()
    (department.exchange / WORKLIST).write_text("steps: [", encoding="utf-8")
    report = department.ask()
    assert str(report.outcome.signature) == "status 0xC000"
    assert report.comment


def test_numbers_and_times_in_the_file_stay_the_text_that_they_are(department: Department) -> None:
    fields = "modality: CT, station: CT, date: 20261124, time: 10:30"
    patient = "patient: {name: A^B, id: 007}"
    text = f"steps: [{{{patient}, accession_number: 0012, {fields}}}]"
    (department.exchange / WORKLIST).write_text(text, encoding="utf-8")
    department.open()
    (answer,) = department.ask().answers
    assert (answer["AccessionNumber"], answer["PatientID"]) == ("0012", "007")
    assert answer[f"{STEP}ScheduledProcedureStepStartTime"] == "103000"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("    modality: ct", ":6: steps.0.modality"),
        ("    moddality: CT", ":6: steps.0.moddality"),
        ("    date: tomorrow", ":6: steps.0.date: expected a date such as 2026-11-24"),
        ("    date: 2026-02-30", ":6: steps.0.date"),
        ("    study_uid: 1..2", ":6: steps.0.study_uid: not a valid UID"),
        ("    character_set: ISO_IR 191", "did you mean 'ISO_IR 192'"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(
    department: Department, line: str, complaint: str
) -> None:
    lines = [
        "steps:",
        "  - patient: japanese",
        "    accession_number: A1",
        "    station: CT",
        "    modality: CT",
        line,
    ]
    kept = [each for each in lines[:-1] if each.split(":")[0] != line.split(":")[0]]
    kept += [""] * (5 - len(kept))
    text = "\n".join([*kept, line])
    (department.exchange / WORKLIST).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        department.open()
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("steps: []\nsteps: []\n", ":2: no YAML: key 'steps' is given twice"),
        ("steps:\n  - patient: [\n", ":3: no YAML"),
        ("steps: !secret []\n", ":1: no YAML: tag '!secret' is not allowed here"),
    ],
)
def test_what_is_no_yaml_is_named_with_its_line(
    department: Department, text: str, complaint: str
) -> None:
    (department.exchange / WORKLIST).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        department.open()
    assert complaint in str(error.value)


@pytest.mark.parametrize("text", ["", "# nothing today\n", "~\n"])
def test_a_file_that_says_nothing_schedules_nothing(department: Department, text: str) -> None:
    (department.exchange / WORKLIST).write_text(text, encoding="utf-8")
    department.open()
    assert not department.ask().answers


def test_an_unknown_patient_is_named_with_the_nearest_known_one(department: Department) -> None:
    department.schedule(step(patient="japanesse"))
    with pytest.raises(UsageError, match="did you mean 'japanese'"):
        department.open()


def test_a_missing_file_is_an_error_before_anything_listens(department: Department) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.yaml"):
        department.open(worklist={"file": "nowhere.yaml"})


def test_further_attributes_are_set_and_taken_away(department: Department) -> None:
    changed = {"MedicalAlerts": "LATEX", f"{STEP}Modality": "MR", "PatientID": None}
    department.schedule(step(attributes=changed))
    department.open()
    (answer,) = department.ask().answers
    assert (answer["MedicalAlerts"], answer[f"{STEP}Modality"]) == ("LATEX", "MR")
    assert answer["PatientID"] == ""


@pytest.mark.parametrize(
    ("rules", "ending"),
    [
        ({"askers": ["MR"]}, "status 0xA700"),
        ({"failure": {"status": 0xC001, "comment": "no"}}, "status 0xC001"),
    ],
)
def test_a_refused_query_carries_the_configured_status(
    department: Department, rules: dict[str, object], ending: str
) -> None:
    department.schedule(step())
    department.open(worklist={"file": WORKLIST, **rules})
    report = department.ask()
    assert (str(report.outcome.signature), report.answers) == (ending, ())


def test_a_limit_truncates_the_answer_silently(department: Department) -> None:
    department.schedule(*(step(f"A{number}") for number in range(4)))
    department.open(worklist={"file": WORKLIST, "limit": 2})
    assert accessions(department.ask()) == ["A0", "A1"]


@pytest.mark.filterwarnings("ignore:Failed to encode value:UserWarning")
def test_a_ris_that_answers_everything_in_latin_1_loses_other_scripts(
    department: Department,
) -> None:
    department.schedule(step(patient="greek"))
    department.open(worklist={"file": WORKLIST, "character_set": ["ISO_IR 100"]})
    (answer,) = department.ask().answers
    assert answer["PatientName"] == "?" * len(CHARACTERS["greek"].name)


def test_without_a_worklist_the_context_is_refused(department: Department) -> None:
    department.open()
    assert str(department.ask().outcome.signature) == "context 3"


@pytest.mark.local
def test_dcmtk_finds_a_japanese_patient_in_the_worklist(
    department: Department, tmp_path: Path
) -> None:
    department.schedule(step(patient="japanese"))
    department.open()
    folder = tmp_path / "answers"
    folder.mkdir()
    keys = ["PatientName", "AccessionNumber", "ScheduledProcedureStepSequence[0].Modality=CT"]
    arguments = [word for key in keys for word in ("-k", key)]
    options = ["-W", "-X", "-od", str(folder), "-aec", "RIS", *arguments]
    subprocess.run(
        [tool("findscu"), *options, LOOPBACK, str(department.port)],
        check=True,
        timeout=30,
    )
    (file,) = folder.iterdir()
    found = pydicom.dcmread(file, force=True)
    assert str(found.PatientName) == CHARACTERS["japanese"].name
    assert list(found.SpecificCharacterSet) == ["", "ISO 2022 IR 87"]
