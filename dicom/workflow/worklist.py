"""Modality Worklist: scheduled procedure steps as worklist items, matched to a query."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from pydicom import Dataset
from pydicom.dataelem import DataElement
from pydicom.tag import Tag
from pydicom.uid import UID

from dicom.datasets.codes import Code
from dicom.datasets.identifier import attributes_of, put
from dicom.datasets.matching import matches
from dicom.identity import derived_uid
from dicom.workflow.schedule import TODAY, Coded, Schedule, ScheduledStep

_UTF_8: Final = ("ISO_IR 192",)
#: Says how the identifier is written, and is no attribute to match.
_CHARACTER_SET: Final = Tag(0x00080005)


def find(schedule: Schedule, identifier: Dataset, today: datetime.date) -> Iterator[Dataset]:
    """Worklist items that satisfy ``identifier``, each with the attributes that it asks for.

    Single value, wildcard, range, list of UIDs, sequence and universal matching (PS3.4 C.2.2.2);
    a date and a time are matched each by itself.

    Args:
        today: what a step that is scheduled for ``today`` is scheduled for.

    Raises:
        UsageError: a scheduled step's ``attributes`` can't be put into its item.
    """
    keys = [element for element in identifier if element.tag != _CHARACTER_SET]
    for step in schedule.steps:
        item = worklist_item(step, today)
        if all(matches(key, item, name_groups=True) for key in keys):
            answer = _asked_for(keys, item)
            answer.SpecificCharacterSet = item.SpecificCharacterSet
            yield answer


def worklist_item(step: ScheduledStep, today: datetime.date) -> Dataset:
    """All that is known of a scheduled step (PS3.4 table K.6-1).

    Raises:
        UsageError: its ``attributes`` name no attribute, or a value does not fit.
    """
    patient = step.patient
    item = Dataset()
    item.SpecificCharacterSet = list(_UTF_8)  # while the texts are put in
    item.AccessionNumber = step.accession_number
    item.ReferringPhysicianName = step.referring_physician
    item.PatientName = patient.name
    item.PatientID = patient.id
    if patient.issuer:
        item.IssuerOfPatientID = patient.issuer
    item.PatientBirthDate = patient.birth_date
    item.PatientSex = patient.sex
    item.StudyInstanceUID = step.study_uid or derived_uid(
        "scheduled study", step.accession_number, step.procedure_id
    )
    item.RequestingPhysician = step.requesting_physician
    item.RequestedProcedureDescription = step.procedure_description
    if step.procedure_codes:
        item.RequestedProcedureCodeSequence = _coded(step.procedure_codes)
    item.RequestedProcedureID = step.procedure_id
    item.RequestedProcedurePriority = step.priority
    item.ScheduledProcedureStepSequence = [_scheduled(step, today)]
    for path, value in step.attributes.items():
        if value is None:
            _take_away(item, path)
        else:
            put(item, path, value)
    if not step.attributes.get("SpecificCharacterSet"):
        item.SpecificCharacterSet = list(_character_set(step, item))
    return item


def _scheduled(step: ScheduledStep, today: datetime.date) -> Dataset:
    scheduled = Dataset()
    scheduled.Modality = step.modality
    scheduled.ScheduledStationAETitle = step.station
    scheduled.ScheduledProcedureStepStartDate = (
        today.strftime("%Y%m%d") if step.date == TODAY else step.date
    )
    scheduled.ScheduledProcedureStepStartTime = step.time
    scheduled.ScheduledPerformingPhysicianName = step.performing_physician
    scheduled.ScheduledProcedureStepDescription = step.description
    if step.protocol_codes:
        scheduled.ScheduledProtocolCodeSequence = _coded(step.protocol_codes)
    scheduled.ScheduledProcedureStepID = step.id
    scheduled.ScheduledStationName = step.station_name
    scheduled.ScheduledProcedureStepLocation = step.location
    scheduled.ScheduledProcedureStepStatus = step.status
    return scheduled


def _coded(codes: Iterable[Coded]) -> list[Dataset]:
    return [Code(code.value, code.scheme, code.meaning).item() for code in codes]


def _character_set(step: ScheduledStep, item: Dataset) -> Sequence[str]:
    chosen = step.character_set or step.patient.character_set
    if chosen is not None:
        return chosen
    return _UTF_8 if not all(map(str.isascii, attributes_of(item).values())) else ("ISO_IR 6",)


def _take_away(item: Dataset, path: str) -> None:
    *parents, last = path.split(".")
    for keyword in parents:
        items = item.get(keyword)
        if not items:
            return
        item = items[0]
    if last in item:
        delattr(item, last)


def _asked_for(keys: Iterable[DataElement], item: Dataset) -> Dataset:
    """The attributes of ``item`` that ``keys`` name; empty where it has none (PS3.4 K.2.2.1)."""
    answer = Dataset()
    for key in keys:
        held = item.get(key.tag)
        if key.VR != "SQ":
            answer.add(DataElement(key.tag, key.VR, None) if held is None else held)
            continue
        items = list(held.value) if held is not None else []
        wanted = list(key.value[0]) if key.value else []
        # an item without keys asks for everything in it
        answer.add_new(
            key.tag, "SQ", [_asked_for(wanted, each) if wanted else each for each in items]
        )
    return answer


#: Modality Worklist Information Model - FIND (PS3.4 K.6.1.4).
MODALITY_WORKLIST: Final = UID("1.2.840.10008.5.1.4.31")
