"""What a scanner puts into its images from the worklist item that they were made for."""

from __future__ import annotations

import datetime
from io import BytesIO

import pytest
from pydicom import Dataset
from pynetdicom.dsutils import decode, encode

from dicom.datasets.codes import Code
from dicom.workflow.performed_step import MPPS
from modalities.workflow.acquisition import identify

STARTED = datetime.datetime(2026, 11, 24, 8, 30)
STEP = "ScheduledProcedureStepSequence."


def written(dataset: Dataset) -> Dataset:
    """``dataset`` as it is read from the file that it was written to."""
    encoded = encode(dataset, True, True)
    assert encoded is not None
    return decode(BytesIO(encoded), True, True)


@pytest.fixture
def image() -> Dataset:
    """One that was made for somebody else."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.PatientName = "ANYBODY^ELSE"
    dataset.PatientID = "OLD-1"
    dataset.AccessionNumber = "OLD-A"
    dataset.ReferringPhysicianName = "DOCTOR^OLD"
    dataset.InstitutionName = "Universitätsklinik"
    dataset.ProcedureCodeSequence = [Code("CTHEAD", "99LAB", "CT des Schädels").item()]
    return written(dataset)


def test_an_image_takes_the_identity_that_its_worklist_item_has(image: Dataset) -> None:
    item = {
        "PatientName": "SIMULANT^NORA",
        "PatientID": "LAB-1",
        "AccessionNumber": "A1",
        "StudyInstanceUID": "2.25.7",
        "RequestedProcedureID": "R7",
        f"{STEP}ScheduledProcedureStepID": "S7",
    }
    identify(image, item, "2.25.9", STARTED)
    assert (image.PatientName, image.PatientID) == ("SIMULANT^NORA", "LAB-1")
    assert (image.AccessionNumber, image.StudyInstanceUID) == ("A1", "2.25.7")
    (request,) = image.RequestAttributesSequence
    assert (request.RequestedProcedureID, request.ScheduledProcedureStepID) == ("R7", "S7")
    (step,) = image.ReferencedPerformedProcedureStepSequence
    assert (step.ReferencedSOPClassUID, step.ReferencedSOPInstanceUID) == (MPPS, "2.25.9")
    assert (image.PerformedProcedureStepStartDate, image.PerformedProcedureStepID) == (
        "20261124",
        "S7",
    )


def test_what_the_item_leaves_empty_is_empty_in_the_image_where_it_may_be(image: Dataset) -> None:
    item = {"PatientID": "", "AccessionNumber": "", "ReferringPhysicianName": ""}
    identify(image, item, "2.25.9", STARTED)
    assert (image.PatientID, image.AccessionNumber) == ("", "")
    assert image.ReferringPhysicianName == "DOCTOR^OLD"
    assert image.PatientName == "ANYBODY^ELSE"  # the item says nothing of it


def test_texts_that_stay_are_written_in_the_items_character_set(image: Dataset) -> None:
    item = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "山田^太郎"}
    identify(image, item, "2.25.9", STARTED)
    kept = written(image)
    assert kept.SpecificCharacterSet == "ISO_IR 192"
    assert (kept.PatientName, kept.InstitutionName) == ("山田^太郎", "Universitätsklinik")
    assert kept.ProcedureCodeSequence[0].CodeMeaning == "CT des Schädels"
