"""The user's own files: real CT, MR, US and RT objects, delivered or refused for a reason."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePath

import pytest
from pydicom.data import get_testdata_file

from orchestrator.errors import InputError
from orchestrator.lab.study import copy_own_files
from orchestrator.model.results import CellResult, Verdict
from orchestrator.runs.request import RunRequest
from orchestrator.runs.suite import execute
from tests.fakes import Heard
from tests.peers import tool

pytestmark = pytest.mark.local

#: Files that come with pydicom, one for each kind and transfer syntax.
FILES = (
    "CT_small.dcm",  # Explicit VR Little Endian
    "MR_small_RLE.dcm",
    "examples_rgb_color.dcm",  # ultrasound, colour
    "ExplVR_BigEnd.dcm",  # ultrasound, Explicit VR Big Endian (retired)
    "rtplan.dcm",
    "rtdose.dcm",  # Implicit VR Little Endian
    "693_J2KI.dcm",  # CT, JPEG 2000
    "SC_rgb_jpeg_dcmtk.dcm",  # secondary capture, JPEG Baseline
    "test-SR.dcm",
    "waveform_ecg.dcm",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "own"
    own.mkdir()
    for name in FILES:
        path = get_testdata_file(name, download=False)
        assert isinstance(path, str), f"{name} should come with pydicom"
        shutil.copy(path, own / name)
    (own / "readme.txt").write_text("not DICOM: passed over\n")
    return own


def stored(folder: Path, stack: str) -> CellResult:
    request = RunRequest(
        names=("healthy",),
        stacks=(stack,),
        backend="local",
        study=folder,
        runs=folder.parent / "runs",
    )
    result = execute(request, Heard())
    return next(cell for cell in result.cells if cell.cell.route == "store")


def refused(cell: CellResult) -> dict[str, str]:
    phase = cell.phase("baseline")
    assert phase is not None
    assert len(phase.observation.objects) == len(FILES)
    return {
        PurePath(each.file).name.partition("-")[2]: str(each.outcome)
        for each in phase.observation.objects
        if not each.outcome.succeeded
    }


@pytest.mark.parametrize("stack", ["orthanc", "orthanc-1.10", "orthanc-1.12"])
def test_orthanc_takes_every_one_of_them_and_keeps_it_as_it_was(folder: Path, stack: str) -> None:
    if stack == "orthanc":
        tool("Orthanc")
    cell = stored(folder, stack)
    assert refused(cell) == {}
    assert cell.verdict is Verdict.PASS, cell.reason


def test_one_that_orthanc_refuses_does_not_keep_the_others_from_being_tried(folder: Path) -> None:
    tool("Orthanc")
    odd = get_testdata_file("rtdose_rle.dcm", download=False)  # encapsulated pixels as VR OW
    assert isinstance(odd, str)
    shutil.copy(odd, folder / "rtdose.dcm")
    assert refused(stored(folder, "orthanc")) == {"rtdose.dcm": "dimse: status 0xC000"}


def test_dcm4chee_refuses_the_retired_big_endian_and_takes_the_rest(folder: Path) -> None:
    cell = stored(folder, "dcm4chee-5.35")
    assert refused(cell) == {"ExplVR_BigEnd.dcm": "negotiate: context 4"}


def test_a_file_that_can_not_be_read_is_named_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    deflated = get_testdata_file("image_dfl.dcm", download=False)
    assert isinstance(deflated, str)
    content = Path(deflated).read_bytes()
    (folder / "broken-off.dcm").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"broken-off\.dcm can't be read.*leave it out"):
        copy_own_files(folder, tmp_path / "study")


def test_a_folder_without_dicom_is_wrong_input_and_starts_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no DICOM file"):
        stored(empty, "orthanc-1.12")
