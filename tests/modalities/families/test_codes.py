"""Coded concepts mean what their coding schemes say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.sr._concepts_dict import concepts

from modalities.generation import generate


def coded(dataset: Dataset) -> Iterator[tuple[str, str, str]]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from coded(item)
    if "CodeValue" in dataset:
        yield dataset.CodingSchemeDesignator, dataset.CodeValue, dataset.CodeMeaning


def meanings(scheme: str, value: str) -> set[str]:
    """What pydicom's copy of PS3.16 calls ``value``."""
    by_keyword: Any = concepts[scheme]
    return {each[value][0] for each in by_keyword.values() if value in each}


@pytest.mark.parametrize("family", ["SR", "SR-DOSE", "KO", "ECG", "PDF"])
def test_codes_are_those_of_their_scheme(family: str) -> None:
    used = {code for made in generate(family, images=3) for code in coded(made)}
    # units of UCUM follow a grammar, and language codes another register
    checked = {code for code in used if code[0] in ("DCM", "SCT", "LN", "MDC")}
    assert checked
    wrong = [code for code in checked if code[2] not in meanings(*code[:2])]
    assert wrong == []
