"""Radiotherapy objects: contours and dose on the CT, a beam's-eye view of a plan."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image, ImageDraw
from pydicom import Dataset

from tools.depiction.canvas import Find, blank, fitted, written
from tools.depiction.images import as_shown

#: Colours of a dose, from parts of its highest value on.
_BANDS: Final = (
    (0.2, (0, 0, 160)),
    (0.4, (0, 110, 230)),
    (0.6, (0, 190, 120)),
    (0.75, (230, 220, 0)),
    (0.85, (255, 130, 0)),
    (0.95, (230, 0, 0)),
)
#: What the beam's-eye view spans, mm.
_VIEW_MM: Final = 120.0


def contours(structures: Dataset, find: Find, side: int) -> Image.Image:
    """All contours on the middle one of the images that they are drawn on."""
    image = _middle_image(structures, find)
    picture = as_shown(image, find, side)
    draw = ImageDraw.Draw(picture)
    for region in structures.ROIContourSequence:
        colour = tuple(int(each) for each in region.ROIDisplayColor)
        for contour in region.ContourSequence:
            on = contour.ContourImageSequence[0].ReferencedSOPInstanceUID
            if on == image.SOPInstanceUID:
                points = _on_image(image, contour, side)
                draw.line([*points, points[0]], fill=colour, width=2)
    for row, region in enumerate(reversed(structures.StructureSetROISequence), 1):
        colour = tuple(int(each) for each in structures.ROIContourSequence[-row].ROIDisplayColor)
        bottom = side - 13 * row
        draw.rectangle((6, bottom, 12, bottom + 6), fill=colour)
        written(draw, (16, bottom - 2), str(region.ROIName), "white")
    return picture


def dose_wash(dose: Dataset, find: Find, side: int) -> Image.Image:
    """The dose in its middle plane, in colours on the CT that it was planned on."""
    plan = find(dose.ReferencedRTPlanSequence[0])
    structures = find(plan.ReferencedStructureSetSequence[0])
    under = as_shown(_middle_image(structures, find), find, side)
    plane = dose.pixel_array[int(dose.NumberOfFrames) // 2].astype(np.float64)
    part = plane / max(plane.max(), 1)
    colours = np.zeros((*plane.shape, 3), np.uint8)
    for least, colour in _BANDS:
        colours[part >= least] = colour
    wash = fitted(Image.fromarray(colours), side)
    mask = fitted(Image.fromarray((part >= _BANDS[0][0]).astype(np.uint8) * 140), side)
    picture = Image.composite(wash, under, mask.convert("L"))
    highest = plane.max() * float(dose.DoseGridScaling)
    written(ImageDraw.Draw(picture), (6, side - 16), f"max {highest:.1f} {dose.DoseUnits}", "white")
    return picture


def beams_eye(plan: Dataset, find: Find, side: int) -> Image.Image:
    """The first beam's aperture: jaws and leaves in the plane of the isocentre."""
    del find
    beam = plan.BeamSequence[0]
    start = beam.ControlPointSequence[0]
    positions = {
        item.RTBeamLimitingDeviceType: [float(each) for each in item.LeafJawPositions]
        for item in start.BeamLimitingDevicePositionSequence
    }
    picture, draw = blank(side, "#101820")
    scale, middle = side / _VIEW_MM, side / 2

    def box(left: float, bottom: float, right: float, top: float) -> tuple[float, ...]:
        corners = left * scale, -top * scale, right * scale, -bottom * scale
        return tuple(middle + min(max(each, -middle), middle) for each in corners)

    leaves = positions["MLCX"]
    pairs = len(leaves) // 2
    (limits,) = (
        [float(each) for each in device.LeafPositionBoundaries]
        for device in beam.BeamLimitingDeviceSequence
        if "LeafPositionBoundaries" in device
    )
    for leaf in range(pairs):
        low, high = limits[leaf], limits[leaf + 1]
        for left, right in ((-_VIEW_MM, leaves[leaf]), (leaves[leaf + pairs], _VIEW_MM)):
            if abs(low) < _VIEW_MM / 2 or abs(high) < _VIEW_MM / 2:
                draw.rectangle(box(left, low, right, high), fill="#4a6070", outline="#101820")
    (left, right), (bottom, top) = positions["X"], positions["Y"]
    draw.rectangle(box(left, bottom, right, top), outline="yellow")
    draw.line((0, middle, side, middle), fill="#c04040")
    draw.line((middle, 0, middle, side), fill="#c04040")
    lines = (
        f"{plan.RTPlanLabel}: {len(plan.BeamSequence)} beams",
        f"{beam.BeamName}  gantry {float(start.GantryAngle):.0f}",
        f"{float(start.NominalBeamEnergy):.0f} MV  {_meterset(plan, beam):.1f} MU",
    )
    for row, line in enumerate(lines):
        written(draw, (6, 6 + 12 * row), line, "white")
    return picture


def _meterset(plan: Dataset, beam: Dataset) -> float:
    (share,) = (
        item
        for item in plan.FractionGroupSequence[0].ReferencedBeamSequence
        if item.ReferencedBeamNumber == beam.BeamNumber
    )
    return float(share.BeamMeterset)


def _middle_image(structures: Dataset, find: Find) -> Dataset:
    frame = structures.ReferencedFrameOfReferenceSequence[0]
    series = frame.RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    images = series.ContourImageSequence
    return find(images[len(images) // 2])


def _on_image(image: Dataset, contour: Dataset, side: int) -> list[tuple[float, float]]:
    """A contour's points in pixels of ``image``, fitted to ``side``; it is axial."""
    data = [float(each) for each in contour.ContourData]
    scale = side / max(image.Rows, image.Columns)
    across, down = float(image.PixelSpacing[1]), float(image.PixelSpacing[0])
    x0, y0 = (float(each) for each in image.ImagePositionPatient[:2])
    left, top = (side - image.Columns * scale) / 2, (side - image.Rows * scale) / 2
    return [
        (left + ((x - x0) / across + 0.5) * scale, top + ((y - y0) / down + 0.5) * scale)
        for x, y in zip(data[::3], data[1::3], strict=True)
    ]
