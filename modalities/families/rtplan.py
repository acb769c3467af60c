"""RT Plan Storage (PS3.3 A.20): two static photon beams on the target of the structure set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydicom import Dataset
from pydicom.uid import RTPlanStorage

from modalities.families import family
from modalities.iods.derived_series import ACQUISITION, CONTENT, describe_series
from modalities.iods.references import reference
from modalities.phantoms import treatment
from modalities.phantoms.treatment import Beam
from modalities.studies.plan import StudyPlan

#: Half of the jaws' opening in mm: they stand off the leaves, which shape the field.
_JAW: Final = treatment.TARGET_RADIUS + treatment.MARGIN + 4
#: Rotations that stay as they are while a beam is on.
_STILL: Final = "NONE"


@family("RTPLAN", title="Treatment plan with two beams", sop_class=RTPlanStorage)
def rtplan(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Plans on the first structure set; each turns the gantry by 10° against the one before."""
    describe_series(plan, shared, 202, "Plans", without=(*ACQUISITION, *CONTENT))
    shared.OperatorsName = "NOBODY^PLANNING"
    shared.FrameOfReferenceUID = plan.frame_of_reference_uid
    shared.PositionReferenceIndicator = None
    shared.RTPlanDate, shared.RTPlanTime = shared.StudyDate, shared.StudyTime
    shared.RTPlanGeometry = "PATIENT"
    shared.PlanIntent = "RESEARCH"
    shared.ApprovalStatus = "UNAPPROVED"
    for number in range(1, plan.images + 1):
        made = plan.object(shared, RTPlanStorage, number)
        made.RTPlanLabel = f"HEAD {number}"
        made.ReferencedStructureSetSequence = [reference(plan.sibling("RTSTRUCT"))]
        made.DoseReferenceSequence = [_prescription(plan)]
        made.PatientSetupSequence = [_setup()]
        made.FractionGroupSequence = [_fractions()]
        turned = 10.0 * (number - 1)
        made.BeamSequence = [_beam(beam, turned) for beam in treatment.BEAMS]
        yield made


def _prescription(plan: StudyPlan) -> Dataset:
    item = Dataset()
    item.DoseReferenceNumber = 1
    item.DoseReferenceUID = plan.uid("dose reference")
    item.DoseReferenceStructureType = "VOLUME"
    item.DoseReferenceDescription = "PTV"
    item.ReferencedROINumber = treatment.ROI_TARGET
    item.DoseReferenceType = "TARGET"
    item.TargetPrescriptionDose = treatment.PRESCRIBED_GY
    return item


def _setup() -> Dataset:
    item = Dataset()
    item.PatientPosition = "HFS"
    item.PatientSetupNumber = 1
    item.SetupTechnique = "ISOCENTRIC"
    return item


def _fractions() -> Dataset:
    group = Dataset()
    group.FractionGroupNumber = 1
    group.NumberOfFractionsPlanned = treatment.FRACTIONS
    group.NumberOfBeams = len(treatment.BEAMS)
    group.NumberOfBrachyApplicationSetups = 0
    group.ReferencedBeamSequence = [_share(beam) for beam in treatment.BEAMS]
    return group


def _share(beam: Beam) -> Dataset:
    item = Dataset()
    item.BeamDose = treatment.PRESCRIBED_GY / treatment.FRACTIONS / len(treatment.BEAMS)
    item.BeamMeterset = beam.meterset
    item.ReferencedBeamNumber = beam.number
    return item


def _beam(beam: Beam, turned: float) -> Dataset:
    item = Dataset()
    item.Manufacturer = "pacslab"
    item.TreatmentMachineName = treatment.MACHINE
    item.PrimaryDosimeterUnit = "MU"
    item.SourceAxisDistance = treatment.SAD
    item.BeamLimitingDeviceSequence = [_device("X"), _device("Y"), _device("MLCX")]
    item.BeamNumber = beam.number
    item.BeamName = beam.name
    item.BeamType = "STATIC"
    item.RadiationType = "PHOTON"
    item.TreatmentDeliveryType = "TREATMENT"
    for kind in ("Wedges", "Compensators", "Boli", "Blocks"):
        setattr(item, f"NumberOf{kind}", 0)
    item.FinalCumulativeMetersetWeight = 1
    item.NumberOfControlPoints = 2
    item.ReferencedPatientSetupNumber = 1
    item.ControlPointSequence = [_start(beam, turned), _end()]
    return item


def _device(kind: str) -> Dataset:
    item = Dataset()
    item.RTBeamLimitingDeviceType = kind
    item.NumberOfLeafJawPairs = 1
    if kind == "MLCX":
        item.NumberOfLeafJawPairs = len(treatment.LEAF_BOUNDARIES) - 1
        item.LeafPositionBoundaries = list(treatment.LEAF_BOUNDARIES)
    return item


def _start(beam: Beam, turned: float) -> Dataset:
    """The first control point, which says all that the others leave out (PS3.3 C.8.8.14.5)."""
    item = Dataset()
    item.ControlPointIndex = 0
    item.NominalBeamEnergy = 6
    item.DoseRateSet = 600
    leaves = treatment.aperture()
    item.BeamLimitingDevicePositionSequence = [
        _positions("X", [-_JAW, _JAW]),
        _positions("Y", [-_JAW, _JAW]),
        _positions("MLCX", [first for first, _ in leaves] + [second for _, second in leaves]),
    ]
    item.GantryAngle = (beam.gantry + turned) % 360
    item.GantryRotationDirection = _STILL
    item.BeamLimitingDeviceAngle = 0
    item.BeamLimitingDeviceRotationDirection = _STILL
    item.PatientSupportAngle = 0
    item.PatientSupportRotationDirection = _STILL
    item.TableTopEccentricAngle = 0
    item.TableTopEccentricRotationDirection = _STILL
    item.TableTopVerticalPosition = None
    item.TableTopLongitudinalPosition = None
    item.TableTopLateralPosition = None
    item.IsocenterPosition = list(treatment.ISOCENTRE)
    item.CumulativeMetersetWeight = 0
    return item


def _positions(kind: str, positions: list[float]) -> Dataset:
    item = Dataset()
    item.RTBeamLimitingDeviceType = kind
    item.LeafJawPositions = positions
    return item


def _end() -> Dataset:
    item = Dataset()
    item.ControlPointIndex = 1
    item.CumulativeMetersetWeight = 1
    return item
