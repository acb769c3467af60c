"""Key Object Selection Document Storage (PS3.3 A.35.4): key images of the study's CT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydicom import Dataset
from pydicom.uid import KeyObjectSelectionDocumentStorage

from dicom.datasets.codes import dcm
from modalities.families import family
from modalities.iods.content_tree import (
    container,
    document,
    image,
    language,
    text,
)
from modalities.iods.derived_series import ACQUISITION, describe_series
from modalities.iods.references import image_evidence, image_references
from modalities.studies.plan import StudyPlan

#: Document titles of CID 7010, and what is said of the images under each.
_TITLES: Final = (
    (dcm("113000", "Of Interest"), "Both ventricles at their widest"),
    (dcm("113002", "For Referring Provider"), "Slices that the report names"),
    (dcm("113004", "For Teaching"), "How a head phantom differs from a head"),
)


@family("KO", title="Key images of the CT", sop_class=KeyObjectSelectionDocumentStorage)
def ko(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Selections after TID 2010 (PS3.16), each under another title."""
    describe_series(plan, shared, 302, "Key images", without=ACQUISITION)
    for number in range(1, plan.images + 1):
        selection = plan.object(shared, KeyObjectSelectionDocumentStorage, number)
        selection.ReferencedPerformedProcedureStepSequence = []
        selection.CurrentRequestedProcedureEvidenceSequence = [image_evidence(plan)]
        title, description = _TITLES[(number - 1) % len(_TITLES)]
        images = [image(each) for each in image_references(plan)]
        about = text(dcm("113012", "Key Object Description"), description)
        root = container(title, [language(), about, *images], template="2010")
        document(selection, root)
        yield selection
