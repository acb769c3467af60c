"""A fingerprint is equal exactly when two copies hold the same values."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pynetdicom.dsutils import encode

from dicom.datasets.arrival import fingerprint_on_arrival
from dicom.datasets.encoding import MalformedDatasetError
from dicom.datasets.fingerprint import Fingerprint, fingerprint
from dicom.datasets.part10 import fingerprint_of, inspect
from dicom.errors import UsageError


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


@pytest.mark.parametrize(
    ("keyword", "value", "other"),
    [
        ("PixelRepresentation", 0, 32),
        ("PixelRepresentation", 0, None),
        ("Rows", 0x2000, 0),
        ("AcquisitionMatrix", [0, 64, 64, 0], [0, 64, 64]),
        ("RedPaletteColorLookupTableData", b"\1\2\0\0\0\0", b"\1\2"),
        ("RedPaletteColorLookupTableData", b"\1\2  ", b"\1\2"),
        ("AnatomicRegionSequence", [Dataset()], []),
    ],
)
@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_a_number_word_or_item_is_no_padding(
    keyword: str, value: object, other: object, syntax: UID
) -> None:
    prints = []
    for each in (value, other):
        dataset = sample()
        setattr(dataset, keyword, each)
        prints.append(fingerprint(encoded(dataset, syntax), syntax))
    tag = pydicom.tag.Tag(keyword)
    assert prints[0].differences(prints[1]) == (f"{tag:08X}",)


def test_a_sequence_that_an_archive_wrote_as_un_is_still_one() -> None:
    # PS3.5 6.2.2: what is in a UN of defined length is Implicit VR Little Endian
    holder = Dataset()
    holder.AnatomicRegionSequence = sample().AnatomicRegionSequence
    items = (encode(holder, True, True) or b"")[8:]
    unknown = struct.pack("<HH2sHL", 0x0008, 0x2218, b"UN", 0, len(items)) + items
    arrived = fingerprint_on_arrival(BytesIO(unknown), ExplicitVRLittleEndian)
    sent = fingerprint(encoded(sample(), ExplicitVRLittleEndian), ExplicitVRLittleEndian)
    assert arrived.elements["00082218"] == sent.elements["00082218"]


def test_the_nul_that_makes_bytes_even_does_not_show() -> None:
    odd, even = (sample() for _ in range(2))
    odd.EncapsulatedDocument, even.EncapsulatedDocument = b"%PDF-", b"%PDF-\0"
    one, other = (fingerprint(each, ExplicitVRLittleEndian) for each in (odd, even))
    assert one.differences(other) == ()


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


def spoilt(path: Path, syntax: UID, *, at: int | None = None, keep: int | None = None) -> Path:
    """A file whose dataset has other bytes at ``at``, or ends ``keep`` bytes after it began."""
    buffer = BytesIO()
    dataset = sample()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    path.write_bytes(buffer.getvalue())
    start = inspect(path).offset
    content = bytearray(buffer.getvalue())
    if at is not None:
        content[start + at : start + at + 2] = b"XX"
    path.write_bytes(content if keep is None else content[: start + keep])
    return path


@pytest.mark.parametrize(
    ("syntax", "at", "keep"),
    [
        (DeflatedExplicitVRLittleEndian, 0, None),
        (DeflatedExplicitVRLittleEndian, None, 20),
        (ExplicitVRLittleEndian, None, 90),
    ],
    ids=["no-deflate-stream", "deflate-stream-cut-short", "value-cut-short"],
)
def test_a_file_that_is_not_what_it_says_or_not_all_there_has_no_fingerprint(
    tmp_path: Path, syntax: UID, at: int | None, keep: int | None
) -> None:
    path = spoilt(tmp_path / "spoilt.dcm", syntax, at=at, keep=keep)
    with pytest.raises(UsageError, match=r"spoilt\.dcm can't be read: expected a DICOM file"):
        fingerprint_of(path)


def test_a_file_whose_dataset_can_not_be_read_goes_by_its_meta_information(tmp_path: Path) -> None:
    # behind the character set's 18 bytes: the two letters of SOP Class UID's VR
    path = spoilt(tmp_path / "spoilt.dcm", ExplicitVRLittleEndian, at=18 + 4)
    assert inspect(path).sop_instance_uid == sample().SOPInstanceUID


@pytest.mark.parametrize(
    "data",
    [
        b"\x10\x00\x20\x00XX\x04\x00LAB1",
        b"\x08\x00\x18\x00US\x03\x00LAB",
        b"\x08\x00\x60\x00SQ\x00\x00\x06\x00\x00\x00\xfe\xff\x00\xe0\x04\x00",
    ],
    ids=["unknown-vr", "three-bytes-of-numbers", "item-header-cut-short"],
)
def test_what_arrives_and_is_no_dataset_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedDatasetError):
        fingerprint_on_arrival(BytesIO(data), ExplicitVRLittleEndian)


@pytest.mark.parametrize("name", ["no_meta.dcm", "meta_missing_tsyntax.dcm"])
def test_a_file_that_does_not_say_what_it_is_can_not_be_sent(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        inspect(Path(str(get_testdata_file(name))))
