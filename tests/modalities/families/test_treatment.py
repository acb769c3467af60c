"""Radiotherapy objects fit the head that they treat, and each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pydicom import Dataset

from modalities.generation import generate, write_study
from tests.modalities.families.dcmtk import run
from tests.modalities.families.validators import complaints

EXTERNAL, BRAIN, VENTRICLES, TARGET = range(1, 5)


def polygons(structures: Dataset, number: int, image: Dataset) -> list[NDArray[np.float64]]:
    """A region's contours on ``image``: (points, 2) in columns and rows of its pixels."""
    (region,) = (
        each for each in structures.ROIContourSequence if each.ReferencedROINumber == number
    )
    origin = np.array(image.ImagePositionPatient[:2], float)
    spacing = np.array(image.PixelSpacing[::-1], float)
    found = []
    for contour in region.ContourSequence:
        (on,) = contour.ContourImageSequence
        points = np.array(contour.ContourData, float).reshape(-1, 3)
        assert len(points) == contour.NumberOfContourPoints
        if on.ReferencedSOPInstanceUID == image.SOPInstanceUID:
            assert set(points[:, 2]) == {float(image.ImagePositionPatient[2])}
            found.append((points[:, :2] - origin) / spacing)
    return found


def filled(structures: Dataset, number: int, image: Dataset) -> NDArray[np.bool_]:
    mask = Image.new("1", (image.Columns, image.Rows))
    for points in polygons(structures, number, image):
        ImageDraw.Draw(mask).polygon([(x, y) for x, y in points.tolist()], fill=1)
    return np.array(mask)


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Dice's coefficient."""
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.mark.parametrize("size", [(256, 256), (192, 320)], ids=str)
def test_contours_follow_what_the_images_show(size: tuple[int, int]) -> None:
    rows, columns = size
    images = list(generate("CT", images=3, rows=rows, columns=columns))
    (structures,) = generate("RTSTRUCT", images=1, rows=rows, columns=columns)
    for image in images:
        hounsfield = image.pixel_array.astype(int) + int(image.RescaleIntercept)
        seen = hounsfield < 2000  # what is burnt in hides the rest
        assert (
            overlap(filled(structures, EXTERNAL, image) & seen, (hounsfield > -500) & seen) > 0.98
        )
        within = filled(structures, BRAIN, image)
        skull = (hounsfield > 600) & seen & filled(structures, EXTERNAL, image)
        assert (skull & within).sum() < 0.1 * skull.sum()
    middle = images[1]
    hounsfield = middle.pixel_array.astype(int) + int(middle.RescaleIntercept)
    ventricles = filled(structures, VENTRICLES, middle)
    assert np.median(hounsfield[ventricles]) == pytest.approx(6, abs=4)
    assert np.median(hounsfield[filled(structures, TARGET, middle)]) == pytest.approx(36, abs=4)
    assert not filled(structures, VENTRICLES, images[0]).any()


def test_a_presentation_state_circles_the_ventricle_that_is_contoured() -> None:
    middle = list(generate("CT", images=3))[1]
    (structures,), (state,) = generate("RTSTRUCT", images=1), generate("PR", images=1)
    _, left = polygons(structures, VENTRICLES, middle)
    (annotation,) = state.GraphicAnnotationSequence
    (circle,) = annotation.GraphicObjectSequence
    drawn = np.array(circle.GraphicData, float).reshape(-1, 2)
    # the centre of the first pixel is 0.5, 0.5 (PS3.3 C.10.5.1.2)
    assert drawn[:-1].mean(axis=0) == pytest.approx(left.mean(axis=0) + 0.5, abs=0.05)
    assert (np.ptp(drawn, axis=0) > np.ptp(left, axis=0)).all()


def test_a_later_structure_set_gives_the_target_more() -> None:
    image = list(generate("CT", images=3))[1]
    sizes = [
        int(filled(structures, TARGET, image).sum())
        for structures in generate("RTSTRUCT", images=3)
    ]
    assert sizes == sorted(set(sizes))


def test_the_plan_opens_each_beam_around_the_target() -> None:
    (plan,) = generate("RTPLAN", images=1)
    (structures,) = generate("RTSTRUCT", images=1)
    (region,) = (r for r in structures.ROIContourSequence if r.ReferencedROINumber == TARGET)
    points = np.array(region.ContourSequence[1].ContourData, float).reshape(-1, 3)
    for beam in plan.BeamSequence:
        start, end = beam.ControlPointSequence
        assert (start.CumulativeMetersetWeight, end.CumulativeMetersetWeight) == (0, 1)
        centre = np.array(start.IsocenterPosition, float)
        assert np.allclose(points.mean(axis=0), centre, atol=0.1)
        radius = np.linalg.norm(points - centre, axis=1).max()
        (leaves,) = (
            np.array(each.LeafJawPositions, float)
            for each in start.BeamLimitingDevicePositionSequence
            if each.RTBeamLimitingDeviceType == "MLCX"
        )
        (device,) = (
            each
            for each in beam.BeamLimitingDeviceSequence
            if each.RTBeamLimitingDeviceType == "MLCX"
        )
        assert len(leaves) == 2 * device.NumberOfLeafJawPairs
        assert len(device.LeafPositionBoundaries) == device.NumberOfLeafJawPairs + 1
        left, right = np.split(leaves, 2)
        for low, high, a, b in zip(
            device.LeafPositionBoundaries[:-1],
            device.LeafPositionBoundaries[1:],
            left,
            right,
            strict=True,
        ):
            nearest = 0.0 if low < 0 < high else min(abs(low), abs(high))
            needed = np.sqrt(max(radius**2 - nearest**2, 0))
            assert a <= -needed
            assert b >= needed
    assert len({beam.ControlPointSequence[0].GantryAngle for beam in plan.BeamSequence}) == 2


def dose_of(made: Dataset) -> NDArray[np.float64]:
    """Gy: (frames, rows, columns)."""
    return made.pixel_array * float(made.DoseGridScaling)


def at(made: Dataset, position: tuple[float, float, float]) -> tuple[int, int, int]:
    """The voxel nearest to ``position`` in patient coordinates."""
    x, y, z = (
        float(p - first) for p, first in zip(position, made.ImagePositionPatient, strict=True)
    )
    offsets = np.array(made.GridFrameOffsetVector, float)
    frame = int(np.argmin(np.abs(offsets - z)))
    return frame, round(y / made.PixelSpacing[0]), round(x / made.PixelSpacing[1])


def test_the_target_gets_its_prescription_and_air_gets_nothing() -> None:
    (plan,) = generate("RTPLAN", images=1)
    (made,) = generate("RTDOSE", images=1)
    dose = dose_of(made)
    centre = plan.BeamSequence[0].ControlPointSequence[0].IsocenterPosition
    prescribed = float(plan.DoseReferenceSequence[0].TargetPrescriptionDose)
    assert dose[at(made, centre)] == pytest.approx(prescribed, rel=0.02)
    assert prescribed < dose.max() < 1.2 * prescribed
    image = list(generate("CT", images=3, rows=128, columns=128))[1]
    (structures,) = generate("RTSTRUCT", images=1, rows=128, columns=128)
    head = filled(structures, EXTERNAL, image)
    around = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
    head = np.logical_or.reduce([np.roll(head, shift, (0, 1)) for shift in around])
    assert dose[:, ~head].max() == 0


def test_the_beams_add_up_to_the_plan() -> None:
    made = list(generate("RTDOSE", images=3))
    assert [each.DoseSummationType for each in made] == ["PLAN", "BEAM", "BEAM"]
    beams = [
        each.ReferencedRTPlanSequence[0]
        .ReferencedFractionGroupSequence[0]
        .ReferencedBeamSequence[0]
        .ReferencedBeamNumber
        for each in made[1:]
    ]
    (plan,) = generate("RTPLAN", images=1)
    assert beams == [beam.BeamNumber for beam in plan.BeamSequence]
    whole, first, second = map(dose_of, made)
    assert np.abs(whole - first - second).max() <= 2 * float(made[0].DoseGridScaling)


def test_all_fractions_of_all_beams_are_what_is_prescribed() -> None:
    (plan,) = generate("RTPLAN", images=1)
    (group,) = plan.FractionGroupSequence
    (prescription,) = plan.DoseReferenceSequence
    each = sum(beam.BeamDose for beam in group.ReferencedBeamSequence)
    assert each * group.NumberOfFractionsPlanned == prescription.TargetPrescriptionDose


def test_a_single_plane_of_dose_is_no_multi_frame_image(tmp_path: Path) -> None:
    (written,) = write_study(tmp_path, "RTDOSE", images=1, frames=1)
    assert complaints(written.path) == []
    (whole,) = generate("RTDOSE", images=1)
    plane = pydicom.dcmread(written.path)
    assert np.array_equal(plane.pixel_array, whole.pixel_array[12])
    assert plane.ImagePositionPatient[2] == whole.ImagePositionPatient[2] + 30


def test_a_portal_image_shows_the_field_of_its_beam() -> None:
    (plan,) = generate("RTPLAN", images=1)
    images = list(generate("RTIMAGE", images=2))
    for image, beam in zip(images, plan.BeamSequence, strict=True):
        assert image.ReferencedBeamNumber == beam.BeamNumber
        assert image.GantryAngle == beam.ControlPointSequence[0].GantryAngle
        pixels = image.pixel_array.astype(int)
        # 40 mm from the isocentre is outside of the field, 10 mm inside, away from the wires
        magnified = float(image.RTImageSID) / float(image.RadiationMachineSAD)
        each = magnified / float(image.ImagePlanePixelSpacing[0])
        centre = 256
        inside, outside = (
            pixels[centre - round((d + 4) * each), centre - round((d + 4) * each)] for d in (6, 30)
        )
        assert inside > 1.3 * outside


@pytest.mark.parametrize("family", ["RTSTRUCT", "RTPLAN", "RTDOSE", "RTIMAGE"])
def test_dcmtk_reads_it_as_what_it_is(tmp_path: Path, family: str) -> None:
    (written,) = write_study(tmp_path, family, images=1, rows=32, columns=32)
    kind = {"RTSTRUCT": "Structure Set", "RTPLAN": "Plan", "RTDOSE": "Dose", "RTIMAGE": "Image"}
    assert f"RT {kind[family]} object" in run("drtdump", written.path)
