"""Data elements as bytes, in order and out of it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.datasets.elements import UNDEFINED, Element, header_at, joined, split
from dicom.datasets.encoding import Encoding, MalformedDatasetError

EXPLICIT = Encoding(implicit_vr=False, little_endian=True, deflated=False, encapsulated=False)
ITEM, ITEM_END = struct.pack("<HHL", 0xFFFE, 0xE000, UNDEFINED), b"\xfe\xff\x0d\xe0" + bytes(4)
SEQUENCE_END = b"\xfe\xff\xdd\xe0" + bytes(4)

ENCODINGS = st.builds(
    Encoding,
    implicit_vr=st.booleans(),
    little_endian=st.booleans(),
    deflated=st.just(False),
    encapsulated=st.just(False),
)


@given(
    encoding=ENCODINGS,
    values=st.dictionaries(
        st.sampled_from([0x00080020, 0x00100010, 0x00100020, 0x00104000, 0x7FE00010]),
        st.binary(max_size=300),
    ),
)
def test_elements_are_what_they_were_after_a_way_through_bytes(
    encoding: Encoding, values: dict[int, bytes]
) -> None:
    vrs = {0x00080020: "DA", 0x00100010: "PN", 0x00100020: "LO", 0x00104000: "LT"}
    elements = tuple(
        Element(tag, vrs.get(tag, "OB"), value) for tag, value in sorted(values.items())
    )
    assert split(joined(elements, encoding), encoding) == elements


@given(encoding=ENCODINGS, content=st.binary(max_size=40), at=st.integers(0, 40))
def test_any_bytes_are_a_header_or_too_few_for_one(
    encoding: Encoding, content: bytes, at: int
) -> None:
    header = header_at(content, at, encoding)
    if header is None:
        assert len(content) - at < 12
    else:
        assert at + header.size <= len(content)


def test_a_sequence_of_undefined_length_ends_at_its_own_delimiter() -> None:
    inner = b"\x08\x00\x04\x01SQ\x00\x00" + struct.pack("<L", UNDEFINED)
    value = ITEM + inner + ITEM + ITEM_END + SEQUENCE_END + ITEM_END + SEQUENCE_END
    sequence = Element(0x00081032, "SQ", value, UNDEFINED)
    after = Element(0x00100020, "LO", b"P1")
    assert split(joined((sequence, after), EXPLICIT), EXPLICIT) == (sequence, after)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x10\x00\x20\x00LO\x04\x00P1", "says 4 bytes, there are fewer"),
        (b"\x10\x00\x20\x00lo\x02\x00P1", "has the VR 'lo'"),
        (b"\x10\x00\x20\x00LO", "6 bytes are no header"),
        (b"\x08\x00\x32\x10SQ\x00\x00" + struct.pack("<L", UNDEFINED) + ITEM, "no header"),
        (
            (b"\x08\x00\x32\x10SQ\x00\x00" + struct.pack("<L", UNDEFINED) + ITEM) * 70,
            "nested more than 64 deep",
        ),
    ],
)
def test_what_is_no_dataset_is_told_with_its_reason(data: bytes, why: str) -> None:
    with pytest.raises(MalformedDatasetError, match=why):
        split(data, EXPLICIT)
