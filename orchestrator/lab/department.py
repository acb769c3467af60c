"""The work of a RIS in a lab, whoever does it: to schedule, and to know what was performed."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydicom import Dataset, dcmread

from dicom.association.ends import Target
from dicom.datasets.matching import texts
from dicom.workflow.performed import PerformedStep
from dicom.workflow.schedule import Patient, Schedule, ScheduledStep
from modalities.services.listen import Received
from orchestrator.lab.schedules import write_schedule
from orchestrator.model.state import Link

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy

_READ: Final = (
    "SpecificCharacterSet",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyInstanceUID",
    "StudyDescription",
    "Modality",
)
_LONGEST_ID: Final = 16


def schedule_at(lab: Lab, role: str, schedule: Schedule) -> bool:
    """Have the RIS or archive in ``role`` schedule just this; False where it has no worklist."""
    if role in lab.archives:
        return lab.archives[role].schedule(schedule)
    ris = lab.state.modalities[role].ris
    if ris is None or ris.worklist is None:
        return False
    write_schedule(lab.exchange / ris.worklist.file, schedule)
    return True


def performed_at(lab: Lab, role: str) -> tuple[PerformedStep, ...] | None:
    """The procedure steps that the RIS or archive in ``role`` knows; None if it can't be asked."""
    if role not in lab.archives:
        return lab.ask(role, Received()).performed
    return lab.archives[role].performed()


def worklist_target(lab: Lab, link: Link) -> Target:
    """Where the client of ``link`` asks for its worklist.

    An archive may answer it at a title of its own, which the client knows unless it knows the
    archive by a wrong title anyway.
    """
    target = lab.target(link)
    archive = lab.archives.get(link[1])
    if archive is not None and target.called == archive.settings.aetitle:
        return target.model_copy(update={"called": archive.worklist_title})
    return target


def orders_for(
    study: SentStudy,
    exchange: Path,
    *,
    station: str,
    day: datetime.date,
    changes: Mapping[str, str | None],
) -> Schedule:
    """The examinations that ``study`` is the result of, as they were ordered.

    Args:
        exchange: folder that the study's files are relative to.
        station: AE title of the modality that they are scheduled for.
        day: the day of the appointment.
        changes: attributes that every worklist item has otherwise (see ``RisState``).
    """
    first: dict[str, Dataset] = {}
    for name in study.files:
        dataset = dcmread(exchange / name, stop_before_pixels=True, specific_tags=list(_READ))
        first.setdefault(_text(dataset, "StudyInstanceUID"), dataset)
    return Schedule(
        steps=tuple(
            _order(dataset, number, station, day, changes)
            for number, dataset in enumerate(first.values(), 1)
        )
    )


def _order(
    dataset: Dataset,
    number: int,
    station: str,
    day: datetime.date,
    changes: Mapping[str, str | None],
) -> ScheduledStep:
    return ScheduledStep(
        patient=Patient(
            name=_text(dataset, "PatientName"),
            id=_text(dataset, "PatientID"),
            issuer=_text(dataset, "IssuerOfPatientID"),
            birth_date=_text(dataset, "PatientBirthDate"),
            sex=_text(dataset, "PatientSex"),
            character_set=_character_set(dataset),
        ),
        accession_number=_text(dataset, "AccessionNumber")[:_LONGEST_ID],
        modality=_text(dataset, "Modality"),
        station=station,
        date=f"{day:%Y-%m-%d}",
        time="08:00",
        id=f"SPS{number}",
        description=_text(dataset, "StudyDescription"),
        procedure_id=f"RP{number}",
        procedure_description=_text(dataset, "StudyDescription"),
        referring_physician=_text(dataset, "ReferringPhysicianName"),
        study_uid=_text(dataset, "StudyInstanceUID") or None,
        attributes=changes,
    )


def _text(dataset: Dataset, keyword: str) -> str:
    return "\\".join(texts(dataset[keyword])) if keyword in dataset else ""


def _character_set(dataset: Dataset) -> tuple[str, ...] | None:
    """Its values, of which the first may be empty; None where it has none."""
    value = dataset.get("SpecificCharacterSet")
    return (value,) if isinstance(value, str) else tuple(value or ()) or None
