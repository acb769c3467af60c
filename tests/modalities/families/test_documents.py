"""Reports, key images, presentation states, PDFs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pydicom
import pypdf
import pytest
from pydicom import Dataset

from dicom.patients import CHARACTERS
from modalities.generation import generate, write_study
from tests.modalities.families.dcmtk import run
from tests.modalities.families.validators import all_contradictions, contradictions


def items(within: Dataset, meaning: str) -> Iterator[Dataset]:
    """Content items with the concept name ``meaning``, at any depth."""
    for item in within.get("ContentSequence", []):
        name = item.get("ConceptNameCodeSequence")
        if name and name[0].CodeMeaning == meaning:
            yield item
        yield from items(item, meaning)


def number(within: Dataset, meaning: str) -> Decimal:
    (item,) = items(within, meaning)
    return Decimal(str(item.MeasuredValueSequence[0].NumericValue))


@pytest.mark.parametrize(
    ("family", "title"),
    [
        ("SR", "Diagnostic Imaging Report"),
        ("SR-DOSE", "X-Ray Radiation Dose Report"),
        ("KO", "Of Interest"),
    ],
)
def test_dcmtk_reads_the_content_tree(tmp_path: Path, family: str, title: str) -> None:
    (written,) = write_study(tmp_path, family, images=1)
    assert f'"{title}")=SEPARATE>' in run("dsrdump", written.path)


@pytest.mark.parametrize("patient", ["greek", "utf-8"])
def test_a_report_in_a_patients_character_set_can_be_rendered(tmp_path: Path, patient: str) -> None:
    (written,) = write_study(tmp_path, "SR", images=1, patient=patient)
    page = run("dsr2html", "+U8", written.path)
    assert CHARACTERS[patient].name.split("^")[-1] in page
    assert "no real person" in page


def test_dose_is_the_product_of_intensity_and_length_and_events_add_up() -> None:
    for seed in (1, 7):
        for report in generate("SR-DOSE", images=2, seed=seed):
            (summary,) = items(report, "CT Accumulated Dose Data")
            events = list(items(report, "CT Acquisition"))
            assert number(summary, "Total Number of Irradiation Events") == len(events)
            products = []
            for event in events:
                length = number(event, "Scanning Length") / 10
                products.append(number(event, "DLP"))
                assert products[-1] == number(event, "Mean CTDIvol") * length
            assert number(summary, "CT Dose Length Product Total") == sum(products)
            assert 700 < sum(products) < 1100  # adult heads


def test_each_irradiation_event_is_its_own() -> None:
    events = [
        item.UID
        for report in generate("SR-DOSE", images=3)
        for item in items(report, "Irradiation Event UID")
    ]
    assert len(events) == len(set(events)) == 6


def test_the_scope_of_a_dose_report_is_its_study() -> None:
    (report,) = generate("SR-DOSE", images=1)
    (study,) = items(report, "Study Instance UID")
    assert report.StudyInstanceUID == study.UID


def test_key_object_selections_differ_in_why_they_were_made() -> None:
    titles = {each.ConceptNameCodeSequence[0].CodeMeaning for each in generate("KO", images=3)}
    assert len(titles) == 3


@pytest.mark.parametrize("size", [(512, 512), (48, 64), (8, 8)], ids=str)
def test_dcmtk_accepts_the_presentation_state(tmp_path: Path, size: tuple[int, int]) -> None:
    for written in write_study(tmp_path, "PR", images=3, rows=size[0], columns=size[1]):
        assert "Test passed" in run("dcmpschk", written.path)


def test_the_annotation_rings_the_left_ventricle() -> None:
    (state,) = generate("PR", images=1)
    annotation = state.GraphicAnnotationSequence[0]
    image = list(generate("CT", images=3))[1]
    assert annotation.ReferencedImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    data = annotation.GraphicObjectSequence[0].GraphicData
    columns, rows = data[::2], data[1::2]
    inside = image.pixel_array[
        round(min(rows)) : round(max(rows)), round(min(columns)) : round(max(columns))
    ].astype(int) + int(image.RescaleIntercept)
    fluid = (inside < 21).mean()
    assert fluid > 0.4  # an ellipse in a slightly larger box
    assert min(columns) > image.Columns / 2  # the patient's left


@pytest.mark.parametrize("patient", [None, "japanese", "empty"])
def test_the_pdf_opens_and_names_its_patient(tmp_path: Path, patient: str | None) -> None:
    for written in write_study(tmp_path, "PDF", images=2, patient=patient):
        file = tmp_path / "page.pdf"
        run("dcm2pdf", written.path, file)
        reader = pypdf.PdfReader(io.BytesIO(file.read_bytes()), strict=True)
        (page,) = reader.pages
        said = page.extract_text()
        expected = CHARACTERS[patient].burnt_in if patient else "TESTCASE TOBIAS"
        assert expected in said
        assert "LAB USE ONLY" in said
        assert reader.metadata is not None
        assert reader.metadata.title == "Study summary"


def test_the_length_of_a_pdf_leaves_its_padding_out() -> None:
    for made in generate("PDF", images=3, seed=7):
        held = made.EncapsulatedDocument
        assert held[: made.EncapsulatedDocumentLength].endswith(b"%%EOF\n")
        assert len(held) == made.EncapsulatedDocumentLength + made.EncapsulatedDocumentLength % 2


def test_every_object_of_a_pdf_is_where_its_cross_reference_table_says() -> None:
    (made,) = generate("PDF", images=1)
    file = made.EncapsulatedDocument
    start = int(file.rstrip(b"\0").splitlines()[-2])
    assert file[start:].startswith(b"xref\n")
    entries = file[start:].split(b"trailer")[0].splitlines()[3:]
    assert len(entries) == 7
    for number, entry in enumerate(entries, 1):
        assert file[int(entry[:10]) :].startswith(b"%d 0 obj\n" % number)


@pytest.mark.parametrize("family", ["SR", "SR-DOSE", "KO"])
def test_the_validators_one_complaint_about_documents_and_images_is_its_own_confusion(
    tmp_path: Path, family: str
) -> None:
    """``dcentvfy`` puts Accession Number, which is of the study (PS3.3 C.7.2.1), into the series
    of every IOD whose series module can hold it in a Request Attributes Sequence, and so says of
    a document and an image, whatever they are, that they disagree where it belongs."""
    document = write_study(tmp_path, family, images=2)
    images = write_study(tmp_path, "CT", images=3, rows=16, columns=16)
    files = [each.path for each in (*document, *images)]
    assert all_contradictions(files) != contradictions(files) == []
    assert len({pydicom.dcmread(file).AccessionNumber for file in files}) == 1
    for file in files:  # and it goes on to say so where there is no number to disagree on
        read = pydicom.dcmread(file)
        read.AccessionNumber = ""
        read.save_as(file)
    assert all_contradictions(files) != []
