"""Encapsulated PDF Storage (PS3.3 A.45.1): a one-page document about the study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydicom import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from dicom.datasets.codes import Code
from modalities.families import family
from modalities.iods import pdf_page
from modalities.iods.derived_series import ACQUISITION, describe_series
from modalities.iods.pdf_page import Page
from modalities.iods.references import REFERENCED_IMAGES, image_references
from modalities.phantoms.head_outlines import Ellipse, HeadOutlines
from modalities.studies.plan import StudyPlan

_TITLE: Final = "Study summary"
_LEFT: Final = 60
_BONE, _BRAIN, _FLUID = (0.88, 0.85, 0.75), (0.80, 0.80, 0.84), (0.45, 0.62, 0.85)
#: Where the middle of the drawn head is, and points of paper for each millimetre.
_MIDDLE, _SCALE = (pdf_page.WIDTH / 2, 310), 1.8


@family("PDF", title="Encapsulated PDF", sop_class=EncapsulatedPDFStorage, modality="DOC")
def pdf(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Pages that name patient and study and draw the CT's middle slice."""
    describe_series(plan, shared, 305, "Documents", without=ACQUISITION)
    shared.ConversionType = "WSD"
    shared.AcquisitionDateTime = f"{shared.StudyDate}{shared.StudyTime}"
    shared.BurnedInAnnotation = "YES"
    shared.DocumentTitle = _TITLE
    shared.MIMETypeOfEncapsulatedDocument = "application/pdf"
    for number in range(1, plan.images + 1):
        made = plan.object(shared, EncapsulatedPDFStorage, number)
        made.SourceInstanceSequence = image_references(plan)
        made.ConceptNameCodeSequence = [Code("18748-4", "LN", "Diagnostic Imaging Report").item()]
        file = pdf_page.document(_page(plan, shared, number), _TITLE)
        made.EncapsulatedDocumentLength = len(file)
        made.EncapsulatedDocument = file + b"\0" * (len(file) % 2)
        yield made


def _page(plan: StudyPlan, shared: Dataset, number: int) -> Page:
    page = Page()
    page.text(_LEFT, 770, f"{_TITLE} {number}", size=22, bold=True)
    page.text(_LEFT, 745, "LAB USE ONLY - simulated, no real person", size=12)
    day = str(shared.StudyDate)
    rows = (
        ("Patient", plan.person.burnt_in),
        ("Patient ID", str(shared.PatientID)),
        ("Accession number", str(shared.AccessionNumber)),
        ("Study date", f"{day[:4]}-{day[4:6]}-{day[6:]}"),
        ("Institution", str(shared.InstitutionName)),
    )
    y = 705
    for name, value in rows:
        page.text(_LEFT, y, name, bold=True)
        page.text(_LEFT + 130, y, value)
        y -= 20
    page.text(_LEFT, y - 20, "Axial CT of the head phantom; slice 2 of 3 is drawn below.")
    page.text(_LEFT, y - 36, "Ventricles are symmetric. There is nothing to be done.")
    _draw_head(page)
    return page


def _draw_head(page: Page) -> None:
    outlines = HeadOutlines(REFERENCED_IMAGES, 512, 512)
    page.polygon(_on_paper(outlines.external(2)), fill=_BONE)
    page.polygon(_on_paper(outlines.brain(2)), fill=_BRAIN)
    for ventricle in outlines.ventricles(2):
        page.polygon(_on_paper(ventricle), fill=_FLUID)
    page.text(_MIDDLE[0] - 195, _MIDDLE[1], "R", bold=True)
    page.text(_MIDDLE[0] + 185, _MIDDLE[1], "L", bold=True)


def _on_paper(ellipse: Ellipse) -> list[tuple[float, float]]:
    """Patient coordinates run down, a page's upwards."""
    return [(_MIDDLE[0] + _SCALE * x, _MIDDLE[1] - _SCALE * y) for x, y in ellipse.points()]
