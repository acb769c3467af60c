"""Simulated studies: same seed same bytes, valid by an independent validator, of nobody."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import UID

from modalities import families
from modalities.errors import ModalityError
from modalities.identity import derived_uid
from modalities.study import CAST, TRANSFER_SYNTAXES, generate, write_study
from tests.modalities.peers import tool


def contents(folder: Path, seed: int) -> list[bytes]:
    written = write_study(folder, "CT", images=2, rows=64, columns=64, seed=seed)
    return [each.path.read_bytes() for each in written]


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    assert contents(tmp_path / "a", seed=5) == contents(tmp_path / "b", seed=5)


def test_another_seed_gives_other_objects_of_another_patient(tmp_path: Path) -> None:
    one, other = (
        write_study(tmp_path / str(seed), "CT", images=1, rows=16, columns=16, seed=seed)[0]
        for seed in (5, 6)
    )
    for uid in ("sop_instance_uid", "series_instance_uid", "study_instance_uid", "patient_id"):
        assert getattr(one.fingerprint, uid) != getattr(other.fingerprint, uid)


def test_these_bytes_do_not_change_from_version_to_version(tmp_path: Path) -> None:
    # records of old runs refer to objects by these digests
    (written,) = write_study(tmp_path, "CT", images=1, rows=64, columns=64, seed=1)
    assert written.fingerprint.sop_instance_uid == derived_uid("CT", 1, 64, 64, "image", 1)
    digest = "a8121708f755a4106829cb4e7e4282a437433db6e17a42e3e0665ae6656eeeb8"
    assert written.fingerprint.digest == digest


def test_a_longer_study_continues_a_shorter_one(tmp_path: Path) -> None:
    short = [image.SOPInstanceUID for image in generate("CT", images=2, rows=16, columns=16)]
    long = [image.SOPInstanceUID for image in generate("CT", images=4, rows=16, columns=16)]
    assert long[:2] == short
    assert len(set(long)) == 4


def test_the_encoding_changes_and_the_values_do_not(tmp_path: Path) -> None:
    digests = {}
    for syntax in TRANSFER_SYNTAXES:
        (written,) = write_study(
            tmp_path / syntax.keyword,
            "CT",
            images=1,
            rows=32,
            columns=32,
            transfer_syntax=syntax.keyword,
        )
        assert written.fingerprint.transfer_syntax_uid == syntax
        pixels = pydicom.dcmread(written.path).pixel_array
        digests[syntax.keyword] = pixels.astype("<u2").tobytes()
        if not syntax.is_compressed:
            assert (
                written.fingerprint.digest
                == write_study(tmp_path / "reference", "CT", images=1, rows=32, columns=32)[
                    0
                ].fingerprint.digest
            )
    assert len(set(digests.values())) == 1


@pytest.mark.parametrize(
    "syntax", [each for each in TRANSFER_SYNTAXES if not each.is_deflated], ids=str
)
@pytest.mark.parametrize("size", [(16, 16), (64, 48), (512, 512)], ids=str)
def test_images_are_valid_by_an_independent_validator(
    tmp_path: Path, syntax: UID, size: tuple[int, int]
) -> None:
    rows, columns = size
    if syntax.is_compressed and rows > 64:
        rows = columns = 64  # pydicom's own RLE encoder is slow
    for written in write_study(
        tmp_path, "CT", images=2, rows=rows, columns=columns, transfer_syntax=str(syntax)
    ):
        done = subprocess.run(
            [tool("dciodvfy"), "-new", str(written.path)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Error" not in done.stderr + done.stdout
        assert "Warning" not in done.stderr + done.stdout
        assert "CTImage" in done.stderr + done.stdout


def test_a_head_has_air_around_it_bone_in_it_and_fluid_in_the_middle() -> None:
    images = list(generate("CT", images=9, rows=128, columns=128))
    middle = images[4]
    hounsfield = middle.pixel_array * middle.RescaleSlope + middle.RescaleIntercept
    assert abs(np.median(hounsfield[60:68, :8]) + 1000) < 30
    assert hounsfield[64].max() > 900
    assert 20 < np.median(hounsfield[90:110, 60:68]) < 50
    ventricle = hounsfield[55:65, 70:73]
    assert -10 < np.median(ventricle) < 20
    positions = [float(image.ImagePositionPatient[2]) for image in images]
    assert positions == sorted(set(positions))


def test_small_images_do_not_claim_text_that_does_not_fit() -> None:
    (small,) = generate("CT", images=1, rows=8, columns=8)
    (large,) = generate("CT", images=1, rows=128, columns=128)
    assert (small.BurnedInAnnotation, large.BurnedInAnnotation) == ("NO", "YES")


def test_datasets_share_nothing_that_a_caller_could_change() -> None:
    first, second = generate("CT", images=2, rows=8, columns=8)
    first.PatientName = "CHANGED"
    first.ImageType[0] = "DERIVED"
    assert second.PatientName != "CHANGED"
    assert second.ImageType[0] == "ORIGINAL"


def test_patients_are_plainly_made_up() -> None:
    assert len({person.name for person in CAST}) == len(CAST)
    for seed in range(len(CAST)):
        (image,) = generate("CT", images=1, rows=8, columns=8, seed=seed)
        assert str(image.PatientName) in {person.name for person in CAST}
        assert "no real person" in image.PatientComments


def test_uids_are_uuid_derived_and_valid() -> None:
    uid = derived_uid("CT", 1, "image", 1)
    assert uid.is_valid
    assert uid.startswith("2.25.")
    assert len(uid) <= 44


def test_unknown_words_are_met_with_the_nearest_right_one() -> None:
    with pytest.raises(ModalityError, match="did you mean 'CT'"):
        families.named("CTT")
    with pytest.raises(ModalityError, match="did you mean 'ExplicitVRLittleEndian'"):
        generate("CT", images=1, transfer_syntax="ExplicitVRLittleEndain")
    with pytest.raises(ModalityError, match="can't be made in JPEG"):
        generate("CT", images=1, transfer_syntax="1.2.840.10008.1.2.4.50")
