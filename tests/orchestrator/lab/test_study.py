"""What a phase sends: new UIDs wherever an old object would prove nothing, and whole files."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from dicom.datasets.uids import uid_of
from orchestrator.lab.study import SentStudy, StudyMaker
from orchestrator.model.scenario import Study
from orchestrator.model.state import StudyTreatment

USUAL = StudyTreatment()
REUSED = StudyTreatment(reuse_uids=True)


def made(folder: Path, phase: str, treatment: StudyTreatment, cell: str = "cell") -> SentStudy:
    spec = Study(images=2, rows=16, columns=16)
    return StudyMaker(folder, spec, seed=1, cell=cell, own_files=None).make(phase, treatment)


def uids(study: SentStudy) -> list[str]:
    return [each.sop_instance_uid for each in study.fingerprints]


@pytest.mark.parametrize(("phase", "cell"), [("fault", "cell"), ("baseline", "another-cell")])
def test_neither_phases_nor_cells_share_uids(tmp_path: Path, phase: str, cell: str) -> None:
    first = made(tmp_path, "baseline", USUAL)
    other = made(tmp_path, phase, USUAL, cell)
    assert not set(uids(first)) & set(uids(other))
    assert not set(first.study_uids) & set(other.study_uids)


def test_reused_uids_are_the_baselines_and_everything_else_is_told_apart(tmp_path: Path) -> None:
    baseline = made(tmp_path, "baseline", REUSED)
    fault = made(tmp_path, "fault", REUSED)
    assert uids(fault) == uids(baseline)
    for new, old in zip(fault.fingerprints, baseline.fingerprints, strict=True):
        assert new.differences(old) == ("00204000",)  # Image Comments


def test_a_changed_sop_class_is_that_of_the_file_meta_information_too(tmp_path: Path) -> None:
    mr = uid_of("MRImageStorage")
    study = made(tmp_path, "fault", StudyTreatment(change={"SOPClassUID": mr}))
    assert [each.sop_class_uid for each in study.fingerprints] == [mr, mr]
    for file in study.files:
        assert dcmread(tmp_path / file).file_meta.MediaStorageSOPClassUID == mr
