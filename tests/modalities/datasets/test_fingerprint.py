"""A fingerprint is equal exactly when two copies hold the same values."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from modalities.datasets.fingerprint import Fingerprint, fingerprint
from modalities.datasets.part10 import fingerprint_of, inspect
from modalities.errors import ModalityError


def encoded(dataset: Dataset, syntax: UID) -> Dataset:
    """``dataset`` written in ``syntax`` and read back."""
    buffer = BytesIO()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    buffer.seek(0)
    return pydicom.dcmread(buffer)


def sample() -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", "2.25.3"
    dataset.PatientName, dataset.PatientID = "PHANTOM^ÄDA", "LAB-1"
    dataset.Rows, dataset.WindowCenter = 7, ["40", "80"]
    item = Dataset()
    item.CodeValue, item.ReferencedFrameNumber = "T-A0100", 3
    dataset.AnatomicRegionSequence = [item]
    dataset.add_new("RedPaletteColorLookupTableData", "OW", bytes(range(8)))
    dataset.add_new("VolumetricCurvePoints", "OF", bytes(range(16)))
    dataset.add_new("FrameIncrementPointer", "AT", [0x00181063])
    return dataset


def big_endian_words(dataset: Dataset) -> Dataset:
    """pydicom writes word streams as they are: put them in the order that big endian wants."""
    for keyword, width in (("RedPaletteColorLookupTableData", 2), ("VolumetricCurvePoints", 4)):
        value = dataset[keyword].value
        swapped = (value[at : at + width][::-1] for at in range(0, len(value), width))
        dataset[keyword].value = b"".join(swapped)
    return dataset


def test_the_encoding_does_not_show() -> None:
    explicit = fingerprint(encoded(sample(), ExplicitVRLittleEndian), ExplicitVRLittleEndian)
    implicit = fingerprint(encoded(sample(), ImplicitVRLittleEndian), ImplicitVRLittleEndian)
    big = fingerprint(encoded(big_endian_words(sample()), ExplicitVRBigEndian), ExplicitVRBigEndian)
    assert explicit.differences(implicit) == ()
    assert explicit.differences(big) == ()
    assert explicit.digest == implicit.digest == big.digest


@pytest.mark.parametrize(
    ("keyword", "value", "tag"),
    [
        ("PatientID", "LAB-2", "00100020"),
        ("Rows", 8, "00280010"),
        ("RedPaletteColorLookupTableData", bytes(range(1, 9)), "00281201"),
    ],
)
def test_a_changed_value_is_named_by_its_tag(keyword: str, value: object, tag: str) -> None:
    before = fingerprint(encoded(sample(), ExplicitVRLittleEndian), ExplicitVRLittleEndian)
    changed = sample()
    changed[keyword].value = value
    after = fingerprint(encoded(changed, ExplicitVRLittleEndian), ExplicitVRLittleEndian)
    assert before.differences(after) == (tag,)
    assert before.digest != after.digest


def test_a_change_inside_a_sequence_shows_at_the_sequence() -> None:
    before = fingerprint(encoded(sample(), ExplicitVRLittleEndian), ExplicitVRLittleEndian)
    changed = sample()
    changed.AnatomicRegionSequence[0].CodeValue = "T-A0101"
    after = fingerprint(encoded(changed, ExplicitVRLittleEndian), ExplicitVRLittleEndian)
    assert before.differences(after) == ("00082218",)


def test_an_added_attribute_shows_and_trailing_padding_does_not() -> None:
    before = fingerprint(sample(), ExplicitVRLittleEndian)
    padded = sample()
    padded.PatientID = "LAB-1   "
    padded.IssuerOfPatientID = "LAB"
    after = fingerprint(padded, ExplicitVRLittleEndian)
    assert before.differences(after) == ("00100021",)


def test_it_travels_as_json() -> None:
    seen = fingerprint_of(Path(str(get_testdata_file("CT_small.dcm"))))
    assert Fingerprint.model_validate_json(seen.model_dump_json()) == seen


def test_a_file_is_sent_under_the_uids_of_its_dataset(tmp_path: Path) -> None:
    # rtplan.dcm names another instance in its file meta information (F15b: refused by Orthanc)
    path = Path(str(get_testdata_file("rtplan.dcm")))
    dataset = pydicom.dcmread(path)
    assert dataset.file_meta.MediaStorageSOPInstanceUID != dataset.SOPInstanceUID
    assert inspect(path).sop_instance_uid == dataset.SOPInstanceUID


@pytest.mark.parametrize("name", ["no_meta.dcm", "meta_missing_tsyntax.dcm"])
def test_a_file_that_does_not_say_what_it_is_can_not_be_sent(name: str) -> None:
    with pytest.raises(ModalityError, match=name):
        inspect(Path(str(get_testdata_file(name))))
