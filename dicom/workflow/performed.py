"""What a RIS tells of a performed procedure step, as plain data (PS3.4 table F.7.2-1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import Field
from pydicom import Dataset

from dicom.frozen import Frozen

_REFERENCES: Final = ("ReferencedImageSequence", "ReferencedNonImageCompositeSOPInstanceSequence")


class PerformedSeries(Frozen):
    """A series that was made; ``instances`` maps SOP Instance UIDs to their SOP classes."""

    series_uid: str
    protocol: str = ""
    retrieve_aetitle: str = ""
    instances: dict[str, str] = Field(default_factory=dict)


class ScheduledReference(Frozen):
    """What a step was performed for: the scheduled step and its order, as the modality knows it."""

    study_uid: str
    accession_number: str = ""
    procedure_id: str = ""
    step_id: str = ""


class PerformedStep(Frozen):
    """A performed procedure step.

    ``status`` is IN PROGRESS, COMPLETED or DISCONTINUED; times are DICOM's own text
    (``YYYYMMDD HHMMSS``). ``calling_aetitle`` reported it.
    """

    sop_instance_uid: str
    status: str
    calling_aetitle: str
    station: str = ""
    step_id: str = ""
    modality: str = ""
    patient_id: str = ""
    patient_name: str = ""
    started: str = ""
    ended: str = ""
    discontinuation_reason: str = ""
    scheduled: tuple[ScheduledReference, ...] = ()
    series: tuple[PerformedSeries, ...] = ()

    @property
    def instances(self) -> frozenset[str]:
        """SOP Instance UIDs of everything that was made."""
        return frozenset(uid for series in self.series for uid in series.instances)


def performed_step(uid: str, calling: str, attributes: Dataset) -> PerformedStep:
    """``attributes`` of MPPS instance ``uid``, which ``calling`` reported, as data."""
    reasons = attributes.get("PerformedProcedureStepDiscontinuationReasonCodeSequence") or ()
    return PerformedStep(
        sop_instance_uid=uid,
        status=_text(attributes, "PerformedProcedureStepStatus"),
        calling_aetitle=calling,
        station=_text(attributes, "PerformedStationAETitle"),
        step_id=_text(attributes, "PerformedProcedureStepID"),
        modality=_text(attributes, "Modality"),
        patient_id=_text(attributes, "PatientID"),
        patient_name=_text(attributes, "PatientName"),
        started=_moment(attributes, "Start"),
        ended=_moment(attributes, "End"),
        discontinuation_reason=", ".join(_text(each, "CodeMeaning") for each in reasons),
        scheduled=tuple(
            ScheduledReference(
                study_uid=_text(item, "StudyInstanceUID"),
                accession_number=_text(item, "AccessionNumber"),
                procedure_id=_text(item, "RequestedProcedureID"),
                step_id=_text(item, "ScheduledProcedureStepID"),
            )
            for item in attributes.get("ScheduledStepAttributesSequence") or ()
        ),
        series=tuple(
            PerformedSeries(
                series_uid=_text(item, "SeriesInstanceUID"),
                protocol=_text(item, "ProtocolName"),
                retrieve_aetitle=_text(item, "RetrieveAETitle"),
                instances=dict(_referenced(item)),
            )
            for item in attributes.get("PerformedSeriesSequence") or ()
        ),
    )


def _referenced(series: Dataset) -> Iterator[tuple[str, str]]:
    for keyword in _REFERENCES:
        for item in series.get(keyword) or ():
            yield _text(item, "ReferencedSOPInstanceUID"), _text(item, "ReferencedSOPClassUID")


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()


def _moment(attributes: Dataset, which: str) -> str:
    parts = (_text(attributes, f"PerformedProcedureStep{which}{part}") for part in ("Date", "Time"))
    return " ".join(parts).strip()
