"""What each alteration does to an object, as pydicom and DCMTK read it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
)

from dicom.datasets.elements import joined, split
from dicom.datasets.encoding import Encoding
from dicom.datasets.part10 import Part10File, inspect
from dicom.errors import UsageError
from modalities.generation import write_study
from modalities.misbehaviour.alteration import alter_file, altered, fingerprint_of_altered, parse
from modalities.misbehaviour.encoded import EncodedObject
from tests.modalities.misbehaviour.conftest import Alter

Read = Callable[[EncodedObject], Dataset]
Dump = Callable[[EncodedObject], str]


def dataset_of(file: Part10File) -> bytes:
    return file.path.read_bytes()[file.offset :]


def image_in(folder: Path, syntax: str) -> Part10File:
    (written,) = write_study(folder, "CT", images=1, rows=64, columns=64, transfer_syntax=syntax)
    return inspect(written.path)


def differing(before: bytes, after: bytes) -> int:
    return sum(one != other for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("family", "syntax"),
    [
        ("CT", "ExplicitVRLittleEndian"),
        ("CT", "ImplicitVRLittleEndian"),
        ("CT", "ExplicitVRBigEndian"),
        ("CT", "RLELossless"),
        ("MR-ENHANCED", "ExplicitVRLittleEndian"),
        ("SR-DOSE", "ImplicitVRLittleEndian"),
    ],
)
def test_an_object_without_alterations_goes_out_byte_for_byte(
    family: str, syntax: str, tmp_path: Path
) -> None:
    file = inspect(write_study(tmp_path, family, images=1, transfer_syntax=syntax)[0].path)
    assert altered(file, []).dataset() == dataset_of(file)


def test_a_deflated_object_is_altered_inside(tmp_path: Path, alter: Alter, read: Read) -> None:
    file = image_in(tmp_path, DeflatedExplicitVRLittleEndian)
    assert "PatientID" not in read(alter("remove PatientID", of=file))


def test_a_removed_attribute_is_all_that_is_missing(
    alter: Alter, read: Read, image: Part10File
) -> None:
    before, after = read(alter()), read(alter("remove PatientID"))
    assert before.keys() - after.keys() == {before["PatientID"].tag}
    gone = 8 + len(alter().require("PatientID").value)
    assert len(alter("remove PatientID").dataset()) == len(dataset_of(image)) - gone


def test_an_emptied_attribute_keeps_its_place(alter: Alter, dump: Dump) -> None:
    assert "(0008,0020) DA (no value available)" in dump(alter("empty StudyDate"))


def test_a_set_value_is_set_even_where_it_was_absent(alter: Alter, read: Read) -> None:
    assert "StudyComments" not in read(alter())
    assert read(alter("set StudyComments hi")).StudyComments == "hi"


def test_a_number_is_set_in_the_byte_order_of_the_object(tmp_path: Path, alter: Alter) -> None:
    file = image_in(tmp_path, ExplicitVRBigEndian)
    assert alter("set Rows 513", of=file).require("Rows").value == b"\x02\x01"
    assert alter("set Rows 513").require("Rows").value == b"\x01\x02"


def test_a_value_that_its_vr_forbids_is_set_as_it_is(alter: Alter, dump: Dump) -> None:
    assert alter("set Rows abc").require("Rows").value == b"abc\0"
    assert "(0008,0020) DA [20269999]" in dump(alter("set StudyDate 20269999"))


def test_a_wrong_vr_changes_two_bytes(alter: Alter, image: Part10File, dump: Dump) -> None:
    instance = alter("wrong-vr PatientID UI")
    assert differing(dataset_of(image), instance.dataset()) == 2
    assert "(0010,0020) UI" in dump(instance)


def test_a_vr_that_there_is_not_is_sent_too(alter: Alter, dump: Dump) -> None:
    assert "Non-standard VR 'XX'" in dump(alter("wrong-vr PatientID XX"))


def test_implicit_vr_has_no_vr_that_could_be_wrong(tmp_path: Path, alter: Alter) -> None:
    file = image_in(tmp_path, ImplicitVRLittleEndian)
    with pytest.raises(UsageError, match="Explicit VR Little Endian"):
        alter("wrong-vr PatientID UI", of=file)


@pytest.mark.parametrize("by", [1, 2, -1, -2])
def test_a_wrong_length_leaves_the_value_as_it_is(
    by: int, alter: Alter, image: Part10File, dump: Dump
) -> None:
    instance = alter(f"wrong-length PatientID {by}")
    true = len(instance.require("PatientID").value)
    before, after = dataset_of(image), instance.dataset()
    at = before.index(struct.pack("<HH2sH", 0x0010, 0x0020, b"LO", true)) + 6
    assert after[at : at + 2] == struct.pack("<H", true + by)
    assert (after[:at], after[at + 2 :]) == (before[:at], before[at + 2 :])
    assert "E: " in dump(instance)


def test_a_length_that_does_not_fit_is_refused(alter: Alter) -> None:
    with pytest.raises(UsageError, match="16 bits"):
        alter("wrong-length PatientID 70000").dataset()
    with pytest.raises(UsageError, match="from 0 to"):
        alter("wrong-length PatientID -70000")


def test_an_odd_value_is_odd_and_says_so(alter: Alter, dump: Dump) -> None:
    assert "Length of element (0010,0020) is odd" in dump(alter("odd-length PatientID"))


def test_the_command_may_name_another_class_or_instance(alter: Alter, read: Read) -> None:
    instance = alter("command-class", "command-instance")
    dataset = read(instance)
    assert dataset.SOPClassUID == CTImageStorage
    assert dataset.file_meta.MediaStorageSOPClassUID == instance.sop_class_uid == MRImageStorage
    assert dataset.file_meta.MediaStorageSOPInstanceUID == instance.sop_instance_uid
    assert dataset.SOPInstanceUID != instance.sop_instance_uid


def test_other_alterations_keep_command_and_dataset_in_step(alter: Alter, read: Read) -> None:
    instance = alter("set SOPInstanceUID 2.25.7", "set SOPClassUID 1.2.840.10008.5.1.4.1.1.4")
    assert read(instance).SOPInstanceUID == instance.sop_instance_uid == "2.25.7"
    assert instance.sop_class_uid == MRImageStorage


def test_pixels_cut_short_with_their_length(alter: Alter, read: Read) -> None:
    dataset = read(alter("truncate-pixels keep=0.25"))
    assert len(dataset.PixelData) == 64 * 64 * 2 // 4
    with pytest.raises(ValueError, match="pixel data"):
        dataset.pixel_array  # noqa: B018


def test_pixels_cut_short_against_their_length(alter: Alter, dump: Dump) -> None:
    instance = alter("truncate-pixels declared=false keep=0.25")
    assert "PixelData (7fe0,0010) larger (8192) than remaining bytes" in dump(instance)
    assert instance.dataset().endswith(instance.require("PixelData").value)


def test_nothing_follows_pixels_that_are_cut_short_against_their_length(alter: Alter) -> None:
    instance = alter("set DataSetTrailingPadding end", "truncate-pixels declared=false keep=0.25")
    assert instance.elements[-1].tag == 0x7FE00010


def test_pixels_to_spare(alter: Alter, read: Read) -> None:
    assert len(read(alter("extend-pixels 100")).PixelData) == 64 * 64 * 2 + 100


def test_compressed_pixels_are_not_cut_with_their_length(
    alter: Alter, compressed: Part10File
) -> None:
    with pytest.raises(UsageError, match="RLE Lossless"):
        alter("truncate-pixels", of=compressed)
    with pytest.raises(UsageError, match="an encapsulated"):
        alter("no-offset-table")


def test_text_in_an_undeclared_character_set(alter: Alter, dump: Dump) -> None:
    instance = alter("character-set value='Größe^Ü'")
    assert instance.require("PatientName").value == b"Gr\xf6\xdfe^\xdc "
    assert "(0008,0005)" not in dump(instance)


def test_text_in_another_character_set_than_declared(alter: Alter, dump: Dump) -> None:
    instance = alter("character-set shift_jis declared='ISO_IR 192' value=山田^太郎")
    assert instance.require("PatientName").value.rstrip() == "山田^太郎".encode("shift_jis")
    assert "CS [ISO_IR 192]" in dump(instance)


def test_text_that_an_encoding_lacks_is_refused(alter: Alter) -> None:
    with pytest.raises(UsageError, match="'山田' can't be written in iso8859-1"):
        alter("character-set value=山田")


def test_an_attribute_twice(alter: Alter, dump: Dump) -> None:
    instance = alter("duplicate PatientID value=OTHER")
    tags = [each.tag for each in instance.elements]
    assert tags.count(0x00100020) == 2
    assert tags == sorted(tags)
    assert "(0010,0020) found twice" in dump(instance)


@pytest.mark.parametrize(("to", "at"), [("first", 0), ("last", -1)])
def test_an_attribute_out_of_order(to: str, at: int, alter: Alter, dump: Dump) -> None:
    instance = alter(f"misplace PatientID {to}")
    assert instance.elements[at].tag == 0x00100020
    assert "not in ascending tag order" in dump(instance)


def test_a_group_length_that_is_not_the_groups(alter: Alter, read: Read) -> None:
    instance = alter("group-length 0010 by=-6")
    members = [each for each in instance.elements if each.tag >> 16 == 0x0010][1:]
    true = len(joined(tuple(members), instance.encoding))
    assert read(instance)[0x00100000].value == true - 6


def test_private_attributes_of_nobody(alter: Alter, read: Read) -> None:
    dataset = read(alter("orphan-private"))
    assert (0x0099, 0x1001) in dataset
    assert (0x0099, 0x0010) not in dataset


def test_private_sequences_inside_each_other(alter: Alter, read: Read) -> None:
    dataset = read(alter("private-sequence 5"))
    for _ in range(5):
        block = dataset.private_block(0x0099, "PACSLAB")
        dataset = block[0x03].value[0]
    assert dataset.private_block(0x0099, "PACSLAB")[0x04].value == "innermost"


@pytest.mark.parametrize("by", [8, -8])
def test_a_sequence_item_whose_length_is_off(by: int, alter: Alter, dump: Dump) -> None:
    assert "E: dcmdump: " in dump(alter(f"item-length by={by}"))


def test_a_sequence_that_never_ends(alter: Alter, dump: Dump) -> None:
    assert "Sequence Delimitation Item missing" in dump(alter("no-delimiter"))


def test_only_a_sequence_has_items(alter: Alter) -> None:
    with pytest.raises(UsageError, match="PatientID is no sequence"):
        alter("item-length PatientID")


def test_compressed_pixels_without_an_offset_table(alter: Alter, compressed: Part10File) -> None:
    before = alter(of=compressed).require("PixelData").value
    after = alter("no-offset-table", of=compressed).require("PixelData").value
    (table,) = struct.unpack_from("<L", before, 4)
    assert after == before[8 + table :]
    first = struct.unpack_from("<HHL", after)
    assert first[:2] == (0xFFFE, 0xE000)
    assert first[2] > 0


def test_a_fragment_of_odd_length(alter: Alter, compressed: Part10File, dump: Dump) -> None:
    instance = alter("odd-fragment", of=compressed)
    assert len(instance.dataset()) % 2
    assert "odd" in dump(instance)


def test_a_dataset_in_another_encoding_than_it_claims(alter: Alter) -> None:
    instance = alter("encoded-as ImplicitVRLittleEndian")
    implicit = Encoding(implicit_vr=True, little_endian=True, deflated=False, encapsulated=False)
    assert instance.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert [each.tag for each in split(instance.dataset(), implicit)] == [
        each.tag for each in alter().elements
    ]


def test_a_transfer_syntax_that_is_claimed_only(
    alter: Alter, image: Part10File, read: Read
) -> None:
    instance = alter("claim JPEG2000Lossless")
    assert instance.dataset() == dataset_of(image)
    assert instance.transfer_syntax_uid == JPEG2000Lossless


def test_bytes_after_the_end(alter: Alter, image: Part10File) -> None:
    assert alter("trailing 10").dataset() == dataset_of(image) + b"\xab" * 10


@pytest.mark.parametrize(
    ("attribute", "characters"),
    [("PatientID", 65), ("AccessionNumber", 17), ("PatientName", 65), ("Modality", 17)],
)
def test_a_value_is_one_character_too_long(attribute: str, characters: int, alter: Alter) -> None:
    assert len(alter(f"too-long {attribute}").require(attribute).value.rstrip()) == characters


def test_a_uid_that_is_too_long_is_still_all_digits(alter: Alter) -> None:
    value = alter("too-long StudyInstanceUID").require("StudyInstanceUID").value.rstrip(b"\0")
    assert len(value) == 65
    assert value.replace(b".", b"").isdigit()


@pytest.mark.parametrize(
    ("how", "pattern"),
    [("letters", ".UID"), ("leading-zero", ".01"), ("empty-component", ".."), ("too-long", ".111")],
)
def test_a_uid_that_is_none(how: str, pattern: str, alter: Alter) -> None:
    value = alter(f"bad-uid StudyInstanceUID {how}").require("StudyInstanceUID").value.decode()
    assert pattern in value
    assert (len(value.rstrip("\0")) > 64) is (how == "too-long")


@pytest.mark.parametrize("how", ["letters", "leading-zero", "empty-component", "too-long"])
@pytest.mark.parametrize("stem", ["1.2.840.113619.2.55", "1.2.840." + "3" * 54])
def test_objects_that_are_counted_keep_uids_of_their_own(how: str, stem: str, alter: Alter) -> None:
    uids = {
        alter(f"set SOPInstanceUID {stem}.{number}", f"bad-uid SOPInstanceUID {how}")
        .require("SOPInstanceUID")
        .value.rstrip(b"\0")
        for number in (1, 2)
    }
    assert len(uids) == 2
    assert all((len(uid) > 64) is (how == "too-long") for uid in uids)


@pytest.mark.parametrize(
    ("how", "date"), [("future", "29991231"), ("impossible", "20260231"), ("words", "yesterday")]
)
def test_a_date_that_is_none(how: str, date: str, alter: Alter, dump: Dump) -> None:
    assert f"(0008,0020) DA [{date}" in dump(alter(f"bad-date how={how}"))


def test_many_attributes_are_all_owned(alter: Alter, read: Read) -> None:
    dataset = read(alter("many-elements 600"))
    ours = [tag for tag in dataset.keys() if tag.group == 0x0099]  # noqa: SIM118
    assert len(ours) == 600 + 3
    assert dataset[0x0099, 0x1257].value == "599"
    assert dataset[0x0099, 0x0012].value == "PACSLAB 2"
    assert ours == sorted(ours)


def test_what_an_object_lacks_can_not_be_altered(alter: Alter) -> None:
    with pytest.raises(UsageError, match=r"StudyComments \(0032,4000\) can't be altered"):
        alter("remove StudyComments")


def test_alterations_follow_one_another(alter: Alter) -> None:
    instance = alter("set PatientID A", "duplicate PatientID value=B", "remove PatientID")
    assert instance.require("PatientID").value == b"B "


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        (["truncate-pixels keep=0 declared=false", "no-offset-table"], "is cut short"),
        (["truncate-pixels keep=0 declared=false", "odd-fragment"], "is cut short"),
    ],
)
def test_too_little_left_to_alter_is_refused(
    texts: list[str], complaint: str, alter: Alter, compressed: Part10File
) -> None:
    with pytest.raises(UsageError, match=complaint):
        alter(*texts, of=compressed)


def test_what_can_not_be_read_any_more_can_not_be_encoded_anew(alter: Alter) -> None:
    with pytest.raises(UsageError, match="do other alterations afterwards"):
        alter("no-delimiter", "encoded-as ImplicitVRLittleEndian")


def test_pixels_to_spare_have_another_fingerprint(alter: Alter) -> None:
    before, after = (fingerprint_of_altered(alter(*texts)) for texts in ([], ["extend-pixels"]))
    assert before is not None
    assert after is not None
    assert before.differences(after) == ("7FE00010",)


def test_a_group_length_has_no_part_in_the_fingerprint(alter: Alter) -> None:
    before, after = (
        fingerprint_of_altered(alter(*texts)) for texts in ([], ["group-length 0010 by=0"])
    )
    assert before is not None
    assert before == after


def test_what_can_not_be_encoded_is_known_before_anything_is_sent(image: Part10File) -> None:
    with pytest.raises(UsageError, match="16 bits"):
        alter_file(image, [parse("wrong-length PatientID 70000")])


def test_what_can_be_read_has_a_fingerprint(alter: Alter) -> None:
    print_of = fingerprint_of_altered(alter("remove PatientID"))
    assert print_of is not None
    assert print_of.patient_id == ""
    assert fingerprint_of_altered(alter("no-delimiter")) is None
    assert fingerprint_of_altered(alter("claim DeflatedExplicitVRLittleEndian")) is None


def test_a_file_cut_short_can_not_be_altered(image: Part10File, tmp_path: Path) -> None:
    path = tmp_path / "short.dcm"
    path.write_bytes(image.path.read_bytes()[:-100])
    with pytest.raises(UsageError, match="not encoded as its transfer syntax says"):
        altered(inspect(path), [])
