"""Series of objects that are derived from images: reports, plans, states."""

from __future__ import annotations

from typing import Final

from pydicom import Dataset

from modalities.studies.plan import StudyPlan

#: Attributes of General Image (PS3.3 C.7.6.1) that objects without an acquisition don't have.
ACQUISITION: Final = ("AcquisitionDate", "AcquisitionTime")
#: Attributes that objects without content of an own date don't have.
CONTENT: Final = ("ContentDate", "ContentTime")


def describe_series(
    plan: StudyPlan, shared: Dataset, number: int, description: str, *, without: tuple[str, ...]
) -> None:
    """The series module's attributes; ``without`` are keywords that ``shared`` is to lose."""
    for keyword in without:
        del shared[keyword]
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = number
    shared.SeriesDescription = description
