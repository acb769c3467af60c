"""RT Image Storage (PS3.3 A.17): portal images of the plan's beams."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.uid import RTImageStorage

from modalities.families import family
from modalities.iods.derived_series import describe_series
from modalities.iods.references import reference
from modalities.phantoms import treatment
from modalities.phantoms.portal_view import open_field, projected_head
from modalities.phantoms.treatment import BEAMS
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

#: Of the flat panel, mm; and how far from the source it is.
_PANEL: Final = 400.0
_SID: Final = 1500.0
#: Stored value where nothing is in the way, and what each unit of attenuation adds: bones are
#: bright. Where the leaves are closed only the open exposure of the two adds to the image.
_AIR, _GAIN = np.float32(4000), np.float32(260)
_SINGLE_EXPOSURE: Final = np.float32(0.6)
_NOISE: Final = np.float32(110)
#: Patient Orientation by gantry angle: what is to the right and at the bottom.
_SEEN_FROM: Final = {0.0: ["L", "F"], 90.0: ["P", "F"]}
_WIRE: Final = 30000


@family(
    "RTIMAGE",
    title="Portal image of a treatment beam",
    sop_class=RTImageStorage,
    pixels=PixelFormat(bits=16),
    size=(512, 512),
)
def rtimage(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Double exposures of the first plan's beams in turn: the field, and what is around it."""
    describe_series(plan, shared, 204, "Portal images", without=())
    spacing = _PANEL / plan.rows, _PANEL / plan.columns
    _describe_panel(shared, spacing)
    # where pixels are seen in the plane of the isocentre, mm: right and up
    up, right = (
        ((np.arange(count, dtype=np.float32) - np.float32((count - 1) / 2)) * np.float32(step))
        * np.float32(treatment.SAD / _SID)
        for count, step in zip((plan.rows, plan.columns), spacing, strict=True)
    )
    up = -up
    field = open_field(right, up)
    views = [_exposed(projected_head(beam, right, up), field) for beam in BEAMS]
    for number in range(1, plan.images + 1):
        which = (number - 1) % len(BEAMS)
        beam = BEAMS[which]
        image = plan.object(shared, RTImageStorage, number)
        image.RTImageLabel = f"{beam.name} {number}"
        image.GantryAngle = beam.gantry
        image.PatientOrientation = _SEEN_FROM[beam.gantry]
        image.ReferencedRTPlanSequence = [reference(plan.sibling("RTPLAN"))]
        image.ReferencedBeamNumber = beam.number
        image.ReferencedFractionGroupNumber = 1
        image.FractionNumber = number
        pixels = views[which] + _NOISE * plan.noise(views[which].shape, stream=number)
        stored = np.rint(np.clip(pixels, 0, 65535)).astype(np.uint16)
        _draw_wires(stored, right, up)
        plan.set_pixels(image, stored)
        yield image


def _describe_panel(shared: Dataset, spacing: tuple[float, float]) -> None:
    """RT Image module (PS3.3 C.8.8.2)."""
    shared.OperatorsName = "NOBODY^TREATING"
    shared.ImageType = ["ORIGINAL", "PRIMARY", "PORTAL"]
    shared.BurnedInAnnotation = "NO"
    shared.ConversionType = "DI"
    shared.ReportedValuesOrigin = "ACTUAL"
    shared.RTImagePlane = "NORMAL"
    shared.XRayImageReceptorTranslation = [0, 0, treatment.SAD - _SID]
    shared.XRayImageReceptorAngle = 0
    shared.ImagePlanePixelSpacing = [round(each, 6) for each in spacing]
    shared.RTImagePosition = [
        round(-_PANEL / 2 + spacing[1] / 2, 6),
        round(_PANEL / 2 - spacing[0] / 2, 6),
    ]
    shared.RadiationMachineName = treatment.MACHINE
    shared.RadiationMachineSAD = treatment.SAD
    shared.RTImageSID = _SID
    shared.PrimaryDosimeterUnit = "MU"
    shared.BeamLimitingDeviceAngle = 0
    shared.PatientSupportAngle = 0
    shared.TableTopVerticalPosition = None
    shared.TableTopLongitudinalPosition = None
    shared.TableTopLateralPosition = None
    shared.IsocenterPosition = list(treatment.ISOCENTRE)
    shared.PatientPosition = "HFS"
    shared.WindowCenter, shared.WindowWidth = 9500, 16500


def _exposed(head: NDArray[np.float32], field: NDArray[np.bool_]) -> NDArray[np.float32]:
    signal = _AIR + _GAIN * head
    exposed: NDArray[np.float32] = np.where(field, signal, signal * _SINGLE_EXPOSURE)
    return exposed


def _draw_wires(
    pixels: NDArray[np.uint16], right: NDArray[np.float32], up: NDArray[np.float32]
) -> None:
    """The graticule: wires that cross at the isocentre, with a mark each 20 mm."""
    column, row = int(np.argmin(np.abs(right))), int(np.argmin(np.abs(up)))
    pixels[row, :] = pixels[:, column] = _WIRE
    for distance in range(-120, 121, 20):
        length = 6 if distance % 100 else 12
        mark = int(np.argmin(np.abs(right - distance)))
        pixels[np.abs(up) <= length / 2, mark] = _WIRE
        mark = int(np.argmin(np.abs(up - distance)))
        pixels[mark, np.abs(right) <= length / 2] = _WIRE
