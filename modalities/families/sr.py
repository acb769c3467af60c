"""Basic Text SR Storage (PS3.3 A.35.1): a radiology report on the study's CT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydicom import Dataset
from pydicom.uid import BasicTextSRStorage

from dicom.datasets.codes import Code, dcm
from modalities.families import family
from modalities.iods.content_tree import (
    HAS_CONCEPT_MOD,
    HAS_OBS_CONTEXT,
    coded,
    container,
    document,
    image,
    language,
    person,
    text,
)
from modalities.iods.derived_series import ACQUISITION, describe_series
from modalities.iods.references import image_evidence, image_references
from modalities.studies.plan import StudyPlan

_AUTHOR: Final = "NOBODY^REPORTING"
#: What is found besides the normal; the seed and the number of the report pick one.
_VARIANTS: Final = (
    ("No space-occupying lesion. No haemorrhage.", "Normal head phantom."),
    ("Each lateral ventricle measures 20 by 75 mm.", "Symmetric ventricles."),
    ("The skull is 6 to 8 mm thick.", "A skull as even as only phantoms have."),
)


@family("SR", title="Radiology report (Basic Text SR)", sop_class=BasicTextSRStorage)
def sr(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Complete, unverified reports after TID 2000 (PS3.16)."""
    describe_series(plan, shared, 301, "Report", without=ACQUISITION)
    for number in range(1, plan.images + 1):
        report = plan.object(shared, BasicTextSRStorage, number)
        report.CompletionFlag, report.VerificationFlag = "COMPLETE", "UNVERIFIED"
        report.ReferencedPerformedProcedureStepSequence = []
        report.PerformedProcedureCodeSequence = []
        report.CurrentRequestedProcedureEvidenceSequence = [image_evidence(plan)]
        document(report, _content(plan, number))
        yield report


def _content(plan: StudyPlan, number: int) -> Dataset:
    special, conclusion = _VARIANTS[(plan.seed + number - 1) % len(_VARIANTS)]
    finding = dcm("121071", "Finding")
    return container(
        Code("18748-4", "LN", "Diagnostic Imaging Report"),
        [
            language(),
            coded(
                dcm("121058", "Procedure reported"),
                Code("77477000", "SCT", "Computerized axial tomography (procedure)"),
                relation=HAS_CONCEPT_MOD,
            ),
            coded(
                dcm("121005", "Observer Type"),
                dcm("121006", "Person"),
                relation=HAS_OBS_CONTEXT,
            ),
            person(dcm("121008", "Person Observer Name"), _AUTHOR, relation=HAS_OBS_CONTEXT),
            container(
                dcm("121060", "History"),
                [text(dcm("121060", "History"), "SIMULATED REPORT, no real person. LAB USE ONLY.")],
            ),
            container(
                dcm("121064", "Current Procedure Descriptions"),
                [
                    text(
                        dcm("121065", "Procedure Description"),
                        "Axial CT of a head phantom, 2.5 mm slices, no contrast agent.",
                    )
                ],
            ),
            container(
                dcm("121070", "Findings"),
                [
                    text(finding, "Brain 36 HU, ventricles 6 HU, skull 1100 HU."),
                    text(finding, special),
                    *(image(each) for each in image_references(plan)),
                ],
            ),
            container(
                dcm("121076", "Conclusions"),
                [text(dcm("121077", "Conclusion"), conclusion)],
            ),
        ],
        template="2000",
    )
