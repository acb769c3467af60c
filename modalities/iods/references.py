"""References from objects of one family to those of another in the same study."""

from __future__ import annotations

from typing import Final

from pydicom import Dataset
from pydicom.uid import UID

from modalities.studies.plan import StudyPlan

#: Objects that refer to images refer to all of a CT series of so many.
REFERENCED_IMAGES: Final = 3


def referenced_ct(plan: StudyPlan) -> StudyPlan:
    """The CT that objects of ``plan`` refer to."""
    return plan.sibling("CT", REFERENCED_IMAGES)


def reference(plan: StudyPlan, number: int = 1) -> Dataset:
    """SOP Instance Reference macro (PS3.3 table 10-11) to object ``number`` of ``plan``."""
    return reference_to(plan.family.sop_class, plan.instance_uid(number))


def reference_to(sop_class: UID, instance: UID) -> Dataset:
    """SOP Instance Reference macro (PS3.3 table 10-11)."""
    item = Dataset()
    item.ReferencedSOPClassUID = sop_class
    item.ReferencedSOPInstanceUID = instance
    return item


def image_references(plan: StudyPlan) -> list[Dataset]:
    """Image SOP Instance References to the images of the CT that ``plan`` refers to."""
    ct = referenced_ct(plan)
    return [reference(ct, number) for number in range(1, REFERENCED_IMAGES + 1)]


def image_series(plan: StudyPlan) -> Dataset:
    """An item of Referenced Series Sequence with those images (PS3.3 C.11.11)."""
    item = Dataset()
    item.SeriesInstanceUID = referenced_ct(plan).series_uid
    item.ReferencedImageSequence = image_references(plan)
    return item


def image_evidence(plan: StudyPlan) -> Dataset:
    """The Hierarchical SOP Instance Reference macro (PS3.3 C.17.2.1) to those images."""
    series = Dataset()
    series.SeriesInstanceUID = referenced_ct(plan).series_uid
    series.ReferencedSOPSequence = image_references(plan)
    study = Dataset()
    study.StudyInstanceUID = plan.study_uid
    study.ReferencedSeriesSequence = [series]
    return study
