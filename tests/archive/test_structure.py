"""Where a strict reader gives a dataset up."""

from __future__ import annotations

import struct
import zlib

import pytest
from pydicom import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from archive.structure import BrokenStructureError, strictly_read
from dicom.datasets.codec import decode, encode
from dicom.datasets.encoding import MalformedDatasetError

NATIVE = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
#: Procedure Code Sequence (0008,1032), as its tag is written in little and in big endian.
SEQUENCE = (0x0008, 0x1032)


def with_sequence(*, undefined: bool = False) -> Dataset:
    """A dataset with two items, one of which has a sequence of its own."""
    inner, item, other = Dataset(), Dataset(), Dataset()
    inner.CodeValue = "INNER"
    other.CodeValue = "OTHER"
    item.CodeValue, item.PurposeOfReferenceCodeSequence = "OUTER", [inner]
    dataset = Dataset()
    dataset.SOPInstanceUID, dataset.PatientID = "2.25.1", "P1"
    dataset.ProcedureCodeSequence = [item, other]
    for sequence in (dataset["ProcedureCodeSequence"], item["PurposeOfReferenceCodeSequence"]):
        sequence.is_undefined_length = undefined
        for each in sequence.value:
            each.is_undefined_length_sequence_item = undefined
    return dataset


def read(content: bytes, syntax: str, vr: str = "guessed") -> bytes:
    return strictly_read(content, syntax, unprintable_vr=vr)  # type: ignore[arg-type]


@pytest.mark.parametrize("undefined", [False, True], ids=["lengths", "delimiters"])
@pytest.mark.parametrize("syntax", [*NATIVE, DeflatedExplicitVRLittleEndian])
def test_a_dataset_in_order_is_left_as_it_is(syntax: str, undefined: bool) -> None:
    content = encode(with_sequence(undefined=undefined), syntax)
    assert read(content, syntax) == content


@pytest.mark.parametrize("syntax", NATIVE)
def test_an_element_that_is_longer_than_its_item_is_noticed_at_its_header(syntax: str) -> None:
    content = encode(with_sequence(), syntax)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    item = content.index(struct.pack(order + "HH", 0xFFFE, 0xE000))
    (length,) = struct.unpack_from(order + "L", content, item + 4)
    lying = content[: item + 4] + struct.pack(order + "L", length - 2) + content[item + 8 :]
    with pytest.raises(BrokenStructureError, match="its item") as broken:
        read(lying, syntax)
    assert item < broken.value.noticed <= item + 8 + length


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_sequence_that_never_ends_is_noticed_at_the_element_behind_it(syntax: str) -> None:
    content = encode(with_sequence(undefined=True), syntax)
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    delimiter = struct.pack(order + "HHL", 0xFFFE, 0xE0DD, 0)
    end = content.rindex(delimiter)
    with pytest.raises(BrokenStructureError, match=r"\(0010,0020\) in a sequence") as broken:
        read(content[:end] + content[end + 8 :], syntax)
    assert broken.value.noticed == end + 8


def test_in_a_deflated_dataset_the_place_is_that_of_the_deflated_bytes() -> None:
    dataset = with_sequence(undefined=True)
    dataset.PixelData = bytes((number * number) >> 7 & 0xFF for number in range(200_000))
    dataset["PixelData"].VR = "OB"
    explicit = encode(dataset, ExplicitVRLittleEndian)
    end = explicit.rindex(struct.pack("<HHL", 0xFFFE, 0xE0DD, 0))
    deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    content = deflater.compress(explicit[:end] + explicit[end + 8 :]) + deflater.flush()
    with pytest.raises(BrokenStructureError) as broken:
        read(content, DeflatedExplicitVRLittleEndian)
    assert broken.value.noticed <= len(content) / 2


def test_a_stream_that_was_never_deflated_breaks_at_once() -> None:
    content = encode(with_sequence(), ExplicitVRLittleEndian) + bytes(2000)
    with pytest.raises(BrokenStructureError) as broken:
        read(content, DeflatedExplicitVRLittleEndian)
    assert broken.value.noticed < 2000


def test_native_pixels_in_an_encapsulated_syntax_are_noticed_at_the_end_only() -> None:
    dataset = with_sequence()
    dataset.PixelData = bytes(64)
    dataset["PixelData"].VR = "OW"
    content = encode(dataset, ExplicitVRLittleEndian)
    with pytest.raises(MalformedDatasetError, match="native pixel data") as refused:
        read(content, RLELossless)
    assert not isinstance(refused.value, BrokenStructureError)


@pytest.mark.parametrize("syntax", NATIVE)
def test_a_last_element_without_anything_of_its_value_is_empty(syntax: str) -> None:
    dataset = with_sequence()
    dataset.PixelData = bytes(64)
    dataset["PixelData"].VR = "OW"
    cut = encode(dataset, syntax)[:-64]
    with pytest.raises(MalformedDatasetError):
        decode(cut, syntax)
    kept = decode(read(cut, syntax), syntax)
    assert not kept.PixelData
    assert kept.PatientID == "P1"


@pytest.mark.parametrize(
    ("letters", "broken_for"),
    [(b"XX", []), (b"19", []), (b"\x00\x1b", ["unparsable"]), (b"\xab\xab", ["unparsable"])],
)
def test_a_vr_that_there_is_not_breaks_a_dataset_only_if_it_is_no_text(
    letters: bytes, broken_for: list[str]
) -> None:
    content = encode(with_sequence(), ExplicitVRLittleEndian)
    content = content.replace(b"\x10\x00\x20\x00LO", b"\x10\x00\x20\x00" + letters)
    seen = []
    for way in ("guessed", "unparsable"):
        try:
            read(content, ExplicitVRLittleEndian, way)
        except BrokenStructureError:
            seen.append(way)
    assert seen == broken_for


def test_nested_deeper_than_any_recursion_goes() -> None:
    item = struct.pack("<HH2sHLHHL", *SEQUENCE, b"SQ", 0, 0xFFFFFFFF, 0xFFFE, 0xE000, 0xFFFFFFFF)
    content = item * 20_000
    assert read(content, ExplicitVRLittleEndian) == content
