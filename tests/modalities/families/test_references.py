"""What objects refer to is what the other families of the same study make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydicom import Dataset

from modalities import families
from modalities.generation import generate

#: Families whose objects refer to others, and the family that each refers to.
DERIVED = {
    "RTSTRUCT": "CT",
    "RTPLAN": "RTSTRUCT",
    "RTDOSE": "RTPLAN",
    "RTIMAGE": "RTPLAN",
    "SR": "CT",
    "KO": "CT",
    "PR": "CT",
    "PDF": "CT",
}


def references(dataset: Dataset) -> Iterator[Dataset]:
    """Every SOP Instance Reference in ``dataset``, at any depth."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from references(item)
    if "ReferencedSOPInstanceUID" in dataset and "ReferencedSOPClassUID" in dataset:
        yield dataset


@pytest.mark.parametrize(("rows", "columns"), [(None, None), (48, 64)])
@pytest.mark.parametrize("family", DERIVED)
def test_what_is_referred_to_is_made(family: str, rows: int | None, columns: int | None) -> None:
    target = DERIVED[family]
    there = {
        (each.SOPClassUID, each.SOPInstanceUID): each
        for each in generate(target, images=3, seed=7, rows=rows, columns=columns)
    }
    sop_class = families.named(target).sop_class
    for made in generate(family, images=3, seed=7, rows=rows, columns=columns):
        named = [
            (each.ReferencedSOPClassUID, each.ReferencedSOPInstanceUID) for each in references(made)
        ]
        assert {each for each in named if each[0] == sop_class} <= set(there)
        assert any(each[0] == sop_class for each in named)
        assert made.StudyInstanceUID == next(iter(there.values())).StudyInstanceUID


@pytest.mark.parametrize("family", ["SR", "KO"])
def test_the_evidence_lists_each_image_that_the_content_refers_to(family: str) -> None:
    (document,) = generate(family, images=1)
    evidence = document.CurrentRequestedProcedureEvidenceSequence
    listed = {each.ReferencedSOPInstanceUID for item in evidence for each in references(item)}
    content = {
        each.ReferencedSOPInstanceUID
        for item in document.ContentSequence
        for each in references(item)
    }
    assert content == listed
    assert len(content) == 3
    (series,) = evidence[0].ReferencedSeriesSequence
    ct = next(generate("CT", images=3))
    assert series.SeriesInstanceUID == ct.SeriesInstanceUID


@pytest.mark.parametrize("family", ["RTSTRUCT", "RTPLAN", "RTDOSE"])
def test_treatment_and_images_share_one_frame_of_reference(family: str) -> None:
    (ct,) = generate("CT", images=1, rows=16, columns=16)
    (made,) = generate(family, images=1, rows=16, columns=16)
    assert made.FrameOfReferenceUID == ct.FrameOfReferenceUID
