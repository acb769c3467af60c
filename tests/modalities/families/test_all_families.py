"""Every family's objects are valid by independent validators, in every encoding and size."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from dicom.datasets.fingerprint import fingerprint
from dicom.errors import UsageError
from dicom.patients import CHARACTERS
from modalities import families
from modalities.generation import WrittenFile, generate, plan, write_study
from modalities.studies.pixel_data import TRANSFER_SYNTAXES
from tests.modalities.families.validators import complaints, contradictions
from tests.modalities.families.warnings import EXPLAINED

every_family = pytest.mark.parametrize("family", families.names())


def unexplained(family: str, written: list[WrittenFile]) -> list[str]:
    """What the validator says of ``written`` and nobody has explained."""
    return [
        line
        for each in written
        for line in complaints(each.path)
        if not any(known in line for known in EXPLAINED.get(family, {}))
    ]


@every_family
def test_a_series_is_valid_and_agrees_with_the_rest_of_its_study(
    tmp_path: Path, family: str
) -> None:
    written = write_study(tmp_path, family, images=3)
    others = write_study(tmp_path, "CT", images=3) if family != "CT" else []
    assert unexplained(family, written) == []
    assert contradictions(each.path for each in (*written, *others)) == []


@every_family
def test_every_explained_warning_is_still_given(tmp_path: Path, family: str) -> None:
    said = [
        line for each in write_study(tmp_path, family, images=3) for line in complaints(each.path)
    ]
    assert [known for known in EXPLAINED.get(family, {}) if not any(known in s for s in said)] == []


@every_family
@pytest.mark.parametrize("size", [(16, 16), (48, 64)], ids=str)
def test_small_images_are_valid_too(tmp_path: Path, family: str, size: tuple[int, int]) -> None:
    rows, columns = size
    written = write_study(tmp_path, family, images=1, rows=rows, columns=columns, seed=7)
    assert unexplained(family, written) == []


@every_family
def test_every_transfer_syntax_that_fits_makes_valid_objects(tmp_path: Path, family: str) -> None:
    made = 0
    for syntax in TRANSFER_SYNTAXES:
        try:
            plan(family, rows=48, columns=64, transfer_syntax=syntax)
        except UsageError:
            continue
        written = write_study(
            tmp_path / syntax, family, images=1, rows=48, columns=64, transfer_syntax=syntax
        )
        if syntax != DeflatedExplicitVRLittleEndian:  # dciodvfy can't read it
            assert unexplained(family, written) == [], syntax.name
        read = pydicom.dcmread(written[0].path)
        assert read.file_meta.TransferSyntaxUID == syntax
        if "PixelData" in read:
            assert read.pixel_array.size
        made += 1
    pixels = families.named(family).pixels
    assert made == (4 if pixels is None else 10 if pixels.bits <= 8 else 9)


@every_family
def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(
    tmp_path: Path, family: str
) -> None:
    once, again, other = (
        [
            each.path.read_bytes()
            for each in write_study(tmp_path / name, family, images=2, seed=seed)
        ]
        for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert once == again
    assert not set(once) & set(other)
    assert len(set(once)) == 2


@every_family
def test_a_longer_series_continues_a_shorter_one_unless_its_images_differ(family: str) -> None:
    short = [each.SOPInstanceUID for each in generate(family, images=1, rows=16, columns=16)]
    long = [each.SOPInstanceUID for each in generate(family, images=3, rows=16, columns=16)]
    assert len(set(long)) == 3
    if families.named(family).spans:
        assert not set(short) & set(long)
    else:
        assert long[:1] == short


@every_family
def test_one_uid_stands_for_one_content(family: str) -> None:
    seen: dict[str, str] = {}
    for images in (1, 2, 4):
        for made in generate(family, images=images, rows=16, columns=16):
            digest = fingerprint(made, made.file_meta.TransferSyntaxUID).digest
            assert seen.setdefault(made.SOPInstanceUID, digest) == digest


@every_family
def test_any_patient_can_be_the_patient(tmp_path: Path, family: str) -> None:
    for name, person in CHARACTERS.items():
        written = write_study(tmp_path / name, family, images=1, rows=32, columns=32, patient=name)
        assert str(pydicom.dcmread(written[0].path).PatientName) == person.name


@every_family
def test_what_a_family_declares_is_what_its_objects_are(family: str) -> None:
    declared = families.named(family)
    image = next(generate(family, images=1, rows=32, columns=32))
    assert image.SOPClassUID == declared.sop_class
    assert image.Modality == declared.modality
    assert ("PixelData" in image) == (declared.pixels is not None)
    if declared.pixels is not None:
        assert (image.Rows, image.Columns) == (32, 32)
        assert image.BitsStored == declared.pixels.bits
        assert ("NumberOfFrames" in image) == (declared.frames > 0)
        assert image.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
