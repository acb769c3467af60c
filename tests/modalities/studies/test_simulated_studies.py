"""Simulated studies: same seed same bytes, valid by an independent validator, of nobody."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEGBaseline8Bit,
    JPEGLSNearLossless,
    UltrasoundMultiFrameImageStorage,
)

from dicom.errors import UsageError
from dicom.identity import derived_uid
from dicom.patients import CAST, CHARACTERS
from modalities import families
from modalities.generation import generate, write_study
from modalities.studies import pixel_data
from modalities.studies.pixel_data import TRANSFER_SYNTAXES, PixelFormat
from modalities.studies.plan import StudyPlan


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
    expected = derived_uid("CT", 1, None, 64, 64, 0, 1, "image", 1)
    assert written.fingerprint.sop_instance_uid == expected
    digest = "de727d7262b1f381537efc6000aaf67f9bd7f367b739e9cefb08f03ad1e0de9f"
    assert written.fingerprint.digest == digest


LOSSY = (JPEG2000, JPEGBaseline8Bit, JPEGLSNearLossless)


def test_the_encoding_changes_and_the_values_do_not(tmp_path: Path) -> None:
    digests = {}
    for syntax in TRANSFER_SYNTAXES:
        if syntax in LOSSY:
            continue
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


@pytest.mark.parametrize(
    ("family", "syntax", "vr"),
    [
        ("US", "ExplicitVRLittleEndian", "OB"),
        ("US", "ExplicitVRBigEndian", "OB"),  # no byte order may change bytes (PS3.5 annex A.3)
        ("US", "ImplicitVRLittleEndian", "OW"),
        ("US", "RLELossless", "OB"),
        ("CT", "ExplicitVRLittleEndian", "OW"),
        ("CT", "ExplicitVRBigEndian", "OW"),
        ("CT", "RLELossless", "OB"),
    ],
)
def test_bytes_are_no_words_and_compressed_pixels_are_bytes(
    family: str, syntax: str, vr: str
) -> None:
    (image,) = generate(family, images=1, rows=8, columns=8, transfer_syntax=syntax)
    assert vr == image["PixelData"].VR


@pytest.mark.parametrize("syntax", ["ExplicitVRLittleEndian", "RLELossless"])
def test_an_odd_number_of_pixels_is_padded(syntax: str) -> None:
    (image,) = generate("US", images=1, rows=5, columns=5, transfer_syntax=syntax)
    assert len(image.PixelData) % 2 == 0


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
    with pytest.raises(UsageError, match="did you mean 'CT'"):
        families.named("CTT")
    with pytest.raises(UsageError, match="did you mean 'ExplicitVRLittleEndian'"):
        generate("CT", images=1, transfer_syntax="ExplicitVRLittleEndain")
    with pytest.raises(UsageError, match="can't be made in JPEG"):
        generate("CT", images=1, transfer_syntax="1.2.840.10008.1.2.4.70")


def test_a_transfer_syntax_that_can_not_hold_the_pixels_says_which_can() -> None:
    with pytest.raises(UsageError, match=r"CT pixels have 12 bits, JPEG Baseline .* holds 8"):
        generate("CT", images=1, transfer_syntax="JPEGBaseline8Bit")
    with pytest.raises(UsageError, match=r"16 × 16 pixels are too small .* at least 32 × 32"):
        generate("CT", images=1, rows=16, columns=16, transfer_syntax="JPEG2000")


def test_more_pixels_than_a_value_holds_are_refused_before_they_are_made() -> None:
    with pytest.raises(UsageError, match=r"4661 frames .* bytes of pixels, .* RLELossless"):
        generate("US-CINE", images=1, frames=4661)
    generate("US-CINE", images=1, frames=4661, transfer_syntax="RLELossless")
    with pytest.raises(UsageError, match=r"1 frames of 65535 × 65535"):
        generate("CT", images=1, rows=65535, columns=65535)


@pytest.mark.parametrize("name", CHARACTERS)
def test_a_name_survives_in_its_character_set(tmp_path: Path, name: str) -> None:
    (written,) = write_study(tmp_path, "CT", images=1, rows=8, columns=8, patient=name)
    read = pydicom.dcmread(written.path)
    assert str(read.PatientName) == CHARACTERS[name].name
    assert read.get("SpecificCharacterSet")


def test_a_patient_whom_nobody_identified_has_neither_name_nor_numbers() -> None:
    unknown, known = (
        next(generate("CT", images=1, rows=8, columns=8, patient=name)) for name in ("empty", None)
    )
    for keyword in ("PatientName", "PatientID", "AccessionNumber"):
        assert keyword in unknown
        assert not unknown[keyword].value
        assert known[keyword].value


def test_a_patient_that_is_asked_for_shares_no_study_with_another() -> None:
    studies = {
        next(generate("CT", images=1, rows=8, columns=8, patient=name)).StudyInstanceUID
        for name in (None, *CHARACTERS)
    }
    assert len(studies) == 1 + len(CHARACTERS)
    with pytest.raises(UsageError, match="unknown patient 'japanes'; did you mean 'japanese'"):
        generate("CT", images=1, patient="japanes")


@pytest.fixture
def phantom(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A family of colour cines whose frames are made as they are asked for."""

    @families.family(
        "TEST-CINE",
        modality="OT",
        title="Test",
        sop_class=UltrasoundMultiFrameImageStorage,
        pixels=PixelFormat(photometric="RGB"),
        size=(64, 64),
        frames=5,
    )
    def make(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
        image = plan.object(shared, UltrasoundMultiFrameImageStorage, 1)
        ramp = np.linspace(0, 200, plan.columns, dtype=np.uint8)[None, :, None]
        flat = np.broadcast_to(ramp, (plan.rows, plan.columns, 3))
        plan.set_pixels(image, (flat + np.uint8(number) for number in range(plan.frames)))
        yield image

    yield "TEST-CINE"
    families.FAMILIES.remove("TEST-CINE")


@pytest.mark.parametrize("syntax", TRANSFER_SYNTAXES, ids=lambda syntax: syntax.keyword)
def test_colour_frames_decode_to_what_was_drawn(tmp_path: Path, phantom: str, syntax: UID) -> None:
    (written,) = write_study(tmp_path, phantom, images=1, transfer_syntax=syntax)
    read = pydicom.dcmread(written.path)
    frames = read.pixel_array
    assert frames.shape == (5, 64, 64, 3)
    ramp = np.linspace(0, 200, 64, dtype=np.uint8)
    wrong = np.abs(frames[4, 10, :, 1].astype(int) - (ramp + 4))
    assert wrong.max() <= (8 if syntax in LOSSY else 0)
    assert read.LossyImageCompression == ("01" if syntax in LOSSY else "00")
    if syntax in LOSSY:
        assert read.LossyImageCompressionRatio > 1


@pytest.mark.parametrize("syntax", ["ExplicitVRLittleEndian", "RLELossless"])
def test_an_object_larger_than_what_is_kept_in_memory_is_the_same_on_disk(
    tmp_path: Path, phantom: str, syntax: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = write_study(tmp_path / "a", phantom, images=1, transfer_syntax=syntax)
    monkeypatch.setattr(pixel_data, "_MOST_IN_MEMORY", 100)
    large = write_study(tmp_path / "b", phantom, images=1, transfer_syntax=syntax)
    assert small[0].path.read_bytes() == large[0].path.read_bytes()


def test_pixels_on_disk_are_gone_with_the_dataset_that_held_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pixel_data, "_MOST_IN_MEMORY", 1000)
    cine = next(generate("US-CINE", images=1, frames=3, rows=64, columns=64))
    file = cine.PixelData
    assert not isinstance(file, bytes)
    assert not file.closed
    del cine
    gc.collect()
    assert file.closed
