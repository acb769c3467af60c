"""How a dataset is cut into PDUs (PS3.8 annex E.2), whatever its length."""

from __future__ import annotations

from io import BytesIO

import pytest
from pynetdicom.pdu import P_DATA_TF

from dicom.association.upper_layer import fragments


def cut(dataset: bytes, max_length: int, *, deflated: bool = False) -> list[tuple[int, bytes]]:
    """Message control header and content of each fragment, by pynetdicom's decoder."""
    seen = []
    for encoded in fragments(BytesIO(dataset), 3, max_length, deflated=deflated):
        pdu = P_DATA_TF()
        pdu.decode(encoded)
        (item,) = pdu.presentation_data_value_items
        assert item.presentation_context_id == 3
        value = item.presentation_data_value
        assert value is not None
        seen.append((value[0], value[1:]))
    return seen


@pytest.mark.parametrize("dataset", [b"", b"1234567", b"12345678", b"123456789"])
def test_only_the_last_fragment_says_that_it_is_the_last(dataset: bytes) -> None:
    seen = cut(dataset, 10)
    assert [control for control, _ in seen] == [0x00] * (len(seen) - 1) + [0x02]
    assert b"".join(content for _, content in seen) == dataset


@pytest.mark.parametrize(("deflated", "end"), [(True, b"\0"), (False, b"")])
@pytest.mark.parametrize("dataset", [b"1", b"12345", b"1234567"])
def test_only_a_deflated_dataset_of_odd_length_is_padded(
    dataset: bytes, deflated: bool, end: bytes
) -> None:
    seen = cut(dataset, 10, deflated=deflated)
    assert b"".join(content for _, content in seen) == dataset + end


def test_a_deflated_dataset_of_even_length_stays_as_it_is() -> None:
    assert cut(b"12345678", 10, deflated=True) == [(0x00, b"1234"), (0x02, b"5678")]
