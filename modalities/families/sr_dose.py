"""X-Ray Radiation Dose SR Storage (PS3.3 A.35.8): the dose of the study's CT."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pydicom import Dataset
from pydicom.uid import XRayRadiationDoseSRStorage

from dicom.datasets.codes import Code, dcm, ucum
from modalities.families import family
from modalities.iods.content_tree import (
    HAS_CONCEPT_MOD,
    HAS_OBS_CONTEXT,
    HAS_PROPERTIES,
    coded,
    container,
    document,
    language,
    measured,
    moment,
    text,
    uid,
)
from modalities.iods.derived_series import ACQUISITION, describe_series
from modalities.studies.plan import StudyPlan

_MGY, _MGY_CM = ucum("mGy"), ucum("mGy.cm")
_SECONDS, _MILLIMETRES = ucum("s"), ucum("mm")
_KILOVOLT, _MILLIAMPERE = ucum("kV"), ucum("mA")
_CT: Final = Code("77477000", "SCT", "Computerized axial tomography (procedure)")
_LOCALIZER: Final = dcm("113805", "Constant Angle Acquisition")
_SEQUENCE: Final = dcm("113804", "Sequenced Acquisition")


@dataclass(frozen=True)
class _Event:
    """An irradiation event: mGy, mm, s, mA."""

    protocol: str
    kind: Code
    ctdi_vol: Decimal
    scanning_length: int
    exposure_time: Decimal
    tube_current: int
    collimation: Decimal

    @property
    def dose_length_product(self) -> Decimal:
        """DLP in mGy·cm: mean CTDIvol times the length of the scan."""
        return (self.ctdi_vol * self.scanning_length / 10).quantize(Decimal("0.01"))


@family(
    "SR-DOSE",
    title="CT radiation dose report",
    sop_class=XRayRadiationDoseSRStorage,
    modality="SR",
)
def sr_dose(plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
    """Reports after TID 10011 (PS3.16): a localizer and a head scan."""
    describe_series(plan, shared, 304, "Dose report", without=ACQUISITION)
    for number in range(1, plan.images + 1):
        report = plan.object(shared, XRayRadiationDoseSRStorage, number)
        report.CompletionFlag, report.VerificationFlag = "COMPLETE", "UNVERIFIED"
        report.ReferencedPerformedProcedureStepSequence = []
        report.PerformedProcedureCodeSequence = []
        document(report, _report(plan, shared, number))
        yield report


def _events(plan: StudyPlan, number: int) -> list[_Event]:
    # 50 to 60 mGy is what surveys find for an adult's head
    ctdi_vol = Decimal(500 + int(plan.bits(1, number)[0] % 100)) / 10
    current = 300 + (plan.seed + number) % 5 * 10
    return [
        _Event("Head localizer", _LOCALIZER, Decimal("0.1"), 250, Decimal("2.6"), 35, Decimal("5")),
        _Event("Head axial", _SEQUENCE, ctdi_vol, 160, Decimal("8"), current, Decimal("40")),
    ]


def _report(plan: StudyPlan, shared: Dataset, number: int) -> Dataset:
    events = _events(plan, number)
    return container(
        dcm("113701", "X-Ray Radiation Dose Report"),
        [
            language(),
            coded(
                dcm("121058", "Procedure reported"),
                _CT,
                relation=HAS_CONCEPT_MOD,
                content=[
                    coded(
                        Code("363703001", "SCT", "Has intent (attribute)"),
                        Code("261004008", "SCT", "Diagnostic Intent"),
                        relation=HAS_CONCEPT_MOD,
                    )
                ],
            ),
            *_observer(plan, shared),
            moment(
                dcm("113809", "Start of X-Ray Irradiation"),
                f"{shared.StudyDate}{shared.StudyTime}",
                relation=HAS_OBS_CONTEXT,
            ),
            moment(
                dcm("113810", "End of X-Ray Irradiation"),
                f"{shared.StudyDate}{shared.StudyTime[:4]}45",
                relation=HAS_OBS_CONTEXT,
            ),
            coded(
                dcm("113705", "Scope of Accumulation"),
                dcm("113014", "Study"),
                relation=HAS_OBS_CONTEXT,
                content=[
                    uid(
                        dcm("110180", "Study Instance UID"), plan.study_uid, relation=HAS_PROPERTIES
                    )
                ],
            ),
            _accumulated(events),
            *(_acquisition(plan, number, each, event) for each, event in enumerate(events, 1)),
            coded(
                dcm("113854", "Source of Dose Information"),
                dcm("113856", "Automated Data Collection"),
            ),
        ],
        template="10011",
    )


def _observer(plan: StudyPlan, shared: Dataset) -> list[Dataset]:
    """TID 1002 with TID 1004: the scanner itself tells."""
    context = HAS_OBS_CONTEXT
    return [
        coded(dcm("121005", "Observer Type"), dcm("121007", "Device"), relation=context),
        uid(dcm("121012", "Device Observer UID"), plan.uid("scanner"), relation=context),
        text(dcm("121013", "Device Observer Name"), "CT1", relation=context),
        text(dcm("121014", "Device Observer Manufacturer"), shared.Manufacturer, relation=context),
        text(dcm("121015", "Device Observer Model Name"), "Simulated CT", relation=context),
        text(
            dcm("121016", "Device Observer Serial Number"),
            shared.DeviceSerialNumber,
            relation=context,
        ),
        coded(
            dcm("113876", "Device Role in Procedure"),
            dcm("113859", "Irradiating Device"),
            relation=context,
        ),
    ]


def _accumulated(events: list[_Event]) -> Dataset:
    """TID 10012."""
    total = sum((event.dose_length_product for event in events), Decimal(0))
    return container(
        dcm("113811", "CT Accumulated Dose Data"),
        [
            measured(
                dcm("113812", "Total Number of Irradiation Events"),
                len(events),
                ucum("{events}", "events"),
            ),
            measured(dcm("113813", "CT Dose Length Product Total"), total, _MGY_CM),
        ],
        template="10012",
    )


def _acquisition(plan: StudyPlan, number: int, which: int, event: _Event) -> Dataset:
    """TID 10013, with the parameters of TID 10014."""
    parameters = [
        measured(dcm("113824", "Exposure Time"), event.exposure_time, _SECONDS),
        measured(dcm("113825", "Scanning Length"), event.scanning_length, _MILLIMETRES),
        measured(dcm("113826", "Nominal Single Collimation Width"), Decimal("0.625"), _MILLIMETRES),
        measured(dcm("113827", "Nominal Total Collimation Width"), event.collimation, _MILLIMETRES),
        measured(
            dcm("113823", "Number of X-Ray Sources"), 1, ucum("{X-Ray sources}", "X-Ray sources")
        ),
        container(dcm("113831", "CT X-Ray Source Parameters"), _source(event)),
    ]
    return container(
        dcm("113819", "CT Acquisition"),
        [
            text(dcm("125203", "Acquisition Protocol"), event.protocol),
            coded(
                dcm("123014", "Target Region"),
                Code("69536005", "SCT", "Head structure (body structure)"),
            ),
            coded(dcm("113820", "CT Acquisition Type"), event.kind),
            uid(
                dcm("113769", "Irradiation Event UID"),
                plan.uid("irradiation event", number, which),
            ),
            container(dcm("113822", "CT Acquisition Parameters"), parameters),
            container(
                dcm("113829", "CT Dose"),
                [
                    measured(dcm("113830", "Mean CTDIvol"), event.ctdi_vol, _MGY),
                    coded(
                        dcm("113835", "CTDIw Phantom Type"),
                        dcm("113690", "IEC Head Dosimetry Phantom"),
                    ),
                    measured(dcm("113838", "DLP"), event.dose_length_product, _MGY_CM),
                ],
            ),
        ],
        template="10013",
    )


def _source(event: _Event) -> list[Dataset]:
    source = [
        text(dcm("113832", "Identification of the X-Ray Source"), "A"),
        measured(dcm("113733", "KVP"), 120, _KILOVOLT),
        measured(dcm("113833", "Maximum X-Ray Tube Current"), event.tube_current, _MILLIAMPERE),
        measured(dcm("113734", "X-Ray Tube Current"), event.tube_current, _MILLIAMPERE),
    ]
    if event.kind != _LOCALIZER:  # whose tube does not turn
        source.append(measured(dcm("113834", "Exposure Time per Rotation"), Decimal("1"), _SECONDS))
    return source
