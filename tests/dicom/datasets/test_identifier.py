"""Attributes in words, there and back."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from dicom.datasets.identifier import attributes_of, dataset_of, decoded, encoded
from dicom.errors import UsageError
from dicom.ladder import Rung, StoppedError


def test_a_dotted_keyword_is_an_attribute_of_the_first_item() -> None:
    dataset = dataset_of({"ScheduledProcedureStepSequence.Modality": "CT"})
    (item,) = dataset.ScheduledProcedureStepSequence
    assert item.Modality == "CT"


def test_several_attributes_go_into_the_same_item_and_numbered_ones_into_their_own() -> None:
    words = {
        "ProcedureCodeSequence.CodeValue": "A",
        "ProcedureCodeSequence.CodingSchemeDesignator": "99LAB",
        "ProcedureCodeSequence[2].CodeValue": "B",
    }
    dataset = dataset_of(words)
    assert [item.CodeValue for item in dataset.ProcedureCodeSequence] == ["A", "B"]
    assert dataset.ProcedureCodeSequence[0].CodingSchemeDesignator == "99LAB"
    assert attributes_of(dataset) == words


def test_an_empty_sequence_stays_one() -> None:
    dataset = dataset_of({"ReferencedStudySequence": "", "PatientID": ""})
    assert len(dataset.ReferencedStudySequence) == 0
    assert attributes_of(dataset) == {"PatientID": "", "ReferencedStudySequence": ""}


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_what_is_encoded_decodes_to_the_same_words(syntax: str) -> None:
    words = {
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientName": "Müller^Jörg",
        "ScheduledProcedureStepSequence.ScheduledProcedureStepDescription": "胸部",
        "ModalitiesInStudy": "CT\\SR",
    }
    assert attributes_of(decoded(encoded(dataset_of(words), syntax), syntax)) == words


def test_text_beyond_ascii_makes_the_dataset_utf_8_unless_told_otherwise() -> None:
    assert dataset_of({"PatientName": "Müller"}).SpecificCharacterSet == "ISO_IR 192"
    assert dataset_of({"PatientName": "Müller"}, "ISO_IR 100").SpecificCharacterSet == "ISO_IR 100"
    assert "SpecificCharacterSet" not in dataset_of({"PatientName": "Mueller"})


def test_a_name_in_two_character_sets_declares_both() -> None:
    dataset = dataset_of({"PatientName": "Yamada^Tarou=山田^太郎"}, "\\ISO 2022 IR 87")
    assert list(dataset.SpecificCharacterSet) == ["", "ISO 2022 IR 87"]
    data = encoded(dataset, ExplicitVRLittleEndian)
    assert b"\x1b$B" in data.getvalue()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"PatientNam": "X"}, "unknown attribute keyword 'PatientNam'; did you mean 'PatientName'"),
        ({"PatientName.CodeValue": "X"}, "PatientName is no sequence"),
        ({"PatientName[2]": "X"}, "PatientName is no sequence"),
        ({"ProcedureCodeSequence": "X"}, "ProcedureCodeSequence is a sequence"),
        ({"ProcedureCodeSequence[3].CodeValue": "X"}, "item 3 comes before item 1"),
        ({"ProcedureCodeSequence.Nonsense": "X"}, "'Nonsense' in 'ProcedureCodeSequence.Nonsense'"),
        ({"ProcedureCodeSequence[0].CodeValue": "X"}, "unknown attribute keyword"),
        ({"Rows": "many"}, "Rows can't have the value 'many'"),
        ({"SeriesNumber": "inf"}, "SeriesNumber can't have the value 'inf'"),
        ({"FrameIncrementPointer": "100181063"}, "FrameIncrementPointer can't have the value"),
    ],
)
def test_words_that_are_no_attribute_say_what_is_wrong(
    words: dict[str, str], complaint: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(complaint)):
        dataset_of(words)


def test_numbers_tags_and_bytes_are_read_from_their_words() -> None:
    words = {
        "Rows": "512",
        "FrameIncrementPointer": "00181063\\00181065",
        "EncapsulatedDocument": "25504446",
        "PregnancyStatus": "",
        "RecommendedDisplayFrameRateInFloat": "12.5",
    }
    dataset = dataset_of(words)
    assert dataset.Rows == 512
    assert dataset.EncapsulatedDocument == b"%PDF"
    assert attributes_of(dataset) == words


@pytest.mark.parametrize(
    ("data", "syntax"),
    [
        (b"no deflated stream", DeflatedExplicitVRLittleEndian),
        (b"\x28\x00\x10\x00US\x03\x00123", ExplicitVRLittleEndian),
        (b"\x32\x00\x64\x10SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0", ExplicitVRLittleEndian),
    ],
    ids=["deflated", "three-bytes-of-numbers", "sequence-cut-short"],
)
def test_bytes_that_are_no_dataset_stop_the_exchange(data: bytes, syntax: str) -> None:
    with pytest.raises(StoppedError) as stopped:
        decoded(BytesIO(data), syntax)
    assert stopped.value.outcome.rung is Rung.DIMSE
