"""Which attributes satisfy which keys of a query (PS3.4 C.2.2.2)."""

from __future__ import annotations

import pytest
from pydicom import Dataset

from dicom.datasets.matching import matches


def key(keyword: str, value: str) -> Dataset:
    dataset = Dataset()
    setattr(dataset, keyword, value)
    return dataset


@pytest.mark.parametrize("keyword", ["AccessionNumber", "PatientName", "Modality"])
@pytest.mark.parametrize("pattern", ["*", "**"])
def test_an_asterisk_alone_matches_what_has_no_value_or_is_not_there(
    keyword: str, pattern: str
) -> None:
    (asked,) = key(keyword, pattern)
    assert matches(asked, key(keyword, ""))
    assert matches(asked, Dataset())


def test_any_other_pattern_wants_a_value() -> None:
    (asked,) = key("AccessionNumber", "A*")
    assert not matches(asked, key("AccessionNumber", ""))
    assert not matches(asked, Dataset())
