"""Nuclear Medicine Image Storage (PS3.3 A.5): a whole body bone scan from front and behind.

Frames are energy windows times detectors (PS3.3 C.8.4.8): an even number of frames is of two
detectors, an odd one of the anterior detector alone. The first window is technetium's photopeak,
further ones share the energies that Compton scatter has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.tag import Tag
from pydicom.uid import NuclearMedicineImageStorage

from dicom.datasets.codes import Code
from modalities.families import family
from modalities.phantoms.fields import Field, soften
from modalities.phantoms.skeleton import FIELD_OF_VIEW, expected_counts
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan

#: keV: the photopeak of Tc-99m, 15 % wide, and what is counted of scatter.
_PHOTOPEAK, _SCATTER = (129.5, 150.5), (60.0, 128.0)
#: Counts in a square millimetre of soft tissue at the photopeak.
_COUNTS_PER_MM2: Final = 0.9
#: Of those at the photopeak, what all scatter windows count together.
_SCATTERED: Final = 0.6
_MM_PER_S: Final = 2.5
_VIEWS: Final = (
    ("ANTERIOR", Code("399348003", "SCT", "antero-posterior"), 0.0),
    ("POSTERIOR", Code("272479007", "SCT", "postero-anterior"), 180.0),
)


@family(
    "NM",
    title="Nuclear medicine whole body bone scan, anterior and posterior",
    sop_class=NuclearMedicineImageStorage,
    pixels=PixelFormat(bits=16),
    size=(1024, 256),
    frames=2,
)
def nm(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Repeated scans; all counts are drawn anew."""
    _describe_series(plan, shared)
    scan = _Scan(plan)
    for number in range(1, plan.images + 1):
        image = plan.object(shared, NuclearMedicineImageStorage, number)
        _describe_frames(scan, image)
        _describe_patient_and_tracer(image)
        image.DetectorInformationSequence = [
            _detector(plan, detector) for detector in range(scan.detectors)
        ]
        counted: list[int] = []
        plan.set_pixels(image, scan.frames(number, counted))
        image.CountsAccumulated = sum(counted)
        yield image


def _describe_series(plan: StudyPlan, shared: Dataset) -> None:
    """General Series, General Image and NM Image (PS3.3 C.8.4.9) modules."""
    shared.SeriesInstanceUID = plan.series_uid
    shared.SeriesNumber = 7
    shared.SeriesDescription = "Skeleton phantom, whole body"
    shared.ProtocolName = "SIMULATED BONE SCAN"
    shared.BodyPartExamined = "WHOLEBODY"
    shared.ImageType = ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]
    shared.BurnedInAnnotation = "NO"
    shared.PixelSpacing = [
        round(FIELD_OF_VIEW[1] / plan.rows, 6),
        round(FIELD_OF_VIEW[0] / plan.columns, 6),
    ]
    shared.WholeBodyTechnique = "1PS"
    shared.ScanVelocity = _MM_PER_S
    shared.ScanLength = round(FIELD_OF_VIEW[1])
    shared.ActualFrameDuration = round(FIELD_OF_VIEW[1] / _MM_PER_S * 1000)
    shared.AcquisitionTerminationCondition = "TIME"
    shared.TableHeight = 0
    brightest = 6 * _COUNTS_PER_MM2 * _pixel_mm2(plan)
    shared.WindowCenter, shared.WindowWidth = round(brightest / 2, 2), max(round(brightest, 2), 1)


def _describe_frames(scan: _Scan, image: Dataset) -> None:
    """NM Multi-frame (PS3.3 C.8.4.8) and NM Isotope (C.8.4.10) modules' account of frames."""
    image.FrameIncrementPointer = [Tag("EnergyWindowVector"), Tag("DetectorVector")]
    image.EnergyWindowVector = [window + 1 for window, _ in scan.order]
    image.DetectorVector = [detector + 1 for _, detector in scan.order]
    image.NumberOfEnergyWindows = len(scan.windows)
    image.NumberOfDetectors = scan.detectors
    image.EnergyWindowInformationSequence = []
    for number, (lower, upper) in enumerate(scan.windows):
        window, limits = Dataset(), Dataset()
        window.EnergyWindowName = "Tc-99m photopeak" if number == 0 else f"Scatter {number}"
        limits.EnergyWindowLowerLimit, limits.EnergyWindowUpperLimit = lower, upper
        window.EnergyWindowRangeSequence = [limits]
        image.EnergyWindowInformationSequence.append(window)


def _describe_patient_and_tracer(image: Dataset) -> None:
    """NM/PET Patient Orientation (PS3.3 C.8.4.6) and NM Isotope (C.8.4.10) modules."""
    orientation = Code("102538003", "SCT", "recumbent").item()
    orientation.PatientOrientationModifierCodeSequence = [Code("40199007", "SCT", "supine").item()]
    image.PatientOrientationCodeSequence = [orientation]
    image.PatientGantryRelationshipCodeSequence = [Code("102540001", "SCT", "headfirst").item()]
    tracer = Dataset()
    tracer.RadionuclideCodeSequence = [Code("72454007", "SCT", "^99m^Technetium").item()]
    tracer.Radiopharmaceutical = "Tc-99m MDP"
    tracer.RadiopharmaceuticalCodeSequence = [
        Code("113895004", "SCT", "Technetium Tc^99m^ medronate").item()
    ]
    tracer.RadiopharmaceuticalRoute = "INTRAVENOUS"
    tracer.AdministrationRouteCodeSequence = [Code("47625008", "SCT", "Intravenous route").item()]
    tracer.RadionuclideTotalDose = 600  # MBq, in this IOD
    image.RadiopharmaceuticalInformationSequence = [tracer]


def _detector(plan: StudyPlan, detector: int) -> Dataset:
    """An item of the Detector Information Sequence (PS3.3 C.8.4.11)."""
    _, view, angle = _VIEWS[detector]
    item = Dataset()
    item.CollimatorGridName = "LEHR"
    item.CollimatorType = "PARA"
    item.FieldOfViewShape = "RECTANGLE"
    item.FieldOfViewDimensions = [round(FIELD_OF_VIEW[0]), 400]
    item.StartAngle = angle
    item.RadialPosition = 150
    item.ViewCodeSequence = [view.item()]
    side = -1 if detector else 1  # from behind, rows run from the patient's left to right
    item.ImageOrientationPatient = [side, 0, 0, 0, 0, -1]
    across = FIELD_OF_VIEW[0] / 2 * (1 - 1 / plan.columns)
    item.ImagePositionPatient = [
        round(-side * across, 6),
        150 if detector else -150,
        round(-FIELD_OF_VIEW[1] / 2 / plan.rows, 6),
    ]
    return item


def _pixel_mm2(plan: StudyPlan) -> float:
    return FIELD_OF_VIEW[0] / plan.columns * FIELD_OF_VIEW[1] / plan.rows


class _Scan:
    """Expected counts, computed once, and counts drawn from them.

    Attributes:
        detectors: how many.
        windows: lower and upper limit of each energy window, keV.
        order: energy window and detector of each frame, counted from 0.
    """

    def __init__(self, plan: StudyPlan) -> None:
        self._plan = plan
        self.detectors = 1 if plan.frames % 2 else 2
        scatter = plan.frames // self.detectors - 1
        lower, upper = _SCATTER
        step = (upper - lower) / max(scatter, 1)
        self.windows = [
            _PHOTOPEAK,
            *(
                (round(lower + each * step, 3), round(lower + (each + 1) * step, 3))
                for each in range(scatter)
            ),
        ]
        self.order = [
            (window, detector)
            for window in range(scatter + 1)
            for detector in range(self.detectors)
        ]
        shape = plan.rows, plan.columns
        per_unit = np.float32(_COUNTS_PER_MM2 * _pixel_mm2(plan))
        # where the metastasis sits is the patient's own: on one of two levels, left or right
        hot = ((-1) ** plan.seed * 62.0, (430.0, 520.0)[plan.seed // 2 % 2])
        sharp = [
            expected_counts(*shape, from_behind=bool(detector), hot=hot) * per_unit
            for detector in range(self.detectors)
        ]
        blurred = [soften(soften(each, 0, 24), 1, 24) for each in sharp] if scatter else []
        part = np.float32(_SCATTERED / max(scatter, 1))
        self._expected = [sharp, [each * part for each in blurred]]
        self._noise = plan.noise(shape, stream=5)

    def frames(self, number: int, counted: list[int]) -> Iterator[NDArray[np.uint16]]:
        """Counts of scan ``number`` in each frame; their totals are appended to ``counted``."""
        for frame, (window, detector) in enumerate(self.order):
            expected = self._expected[min(window, 1)][detector]
            counts = _drawn(expected, np.roll(self._noise, (number * 97 + frame) * 641))
            counted.append(int(counts.sum(dtype=np.int64)))
            yield counts


def _drawn(expected: Field, noise: Field) -> NDArray[np.uint16]:
    """Counts with the variance that counting has; nowhere below 0."""
    counts = expected + np.sqrt(expected) * noise + np.float32(0.5)
    return np.clip(counts, 0, 65535).astype(np.uint16)
