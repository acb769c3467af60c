"""What a modality says of a procedure step that it performs (PS3.4 table F.7.2-1).

Attributes are in words, {dotted keyword: value} as in ``dicom.datasets.identifier``, so that a
worklist item as a query answered it is all that a step needs.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from dicom.datasets.identifier import attributes_of
from dicom.datasets.part10 import inspect
from dicom.errors import UsageError

#: Modality Performed Procedure Step SOP class (PS3.4 F.7).
MPPS: Final = UID("1.2.840.10008.3.1.2.3.3")
_STEP: Final = "ScheduledProcedureStepSequence."
_SCHEDULED: Final = "ScheduledStepAttributesSequence."
_PATIENT: Final = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "ReferencedPatientSequence",
)
#: Attributes of the scheduled step, by where a worklist item has them.
_OF_SCHEDULED_STEP: Final = {
    "StudyInstanceUID": "StudyInstanceUID",
    "ReferencedStudySequence": "ReferencedStudySequence",
    "AccessionNumber": "AccessionNumber",
    "RequestedProcedureID": "RequestedProcedureID",
    "RequestedProcedureDescription": "RequestedProcedureDescription",
    f"{_STEP}ScheduledProcedureStepID": "ScheduledProcedureStepID",
    f"{_STEP}ScheduledProcedureStepDescription": "ScheduledProcedureStepDescription",
    f"{_STEP}ScheduledProtocolCodeSequence": "ScheduledProtocolCodeSequence",
}
#: Attributes of the performed step that are as scheduled until somebody says otherwise.
_AS_SCHEDULED: Final = {
    f"{_STEP}ScheduledProcedureStepID": "PerformedProcedureStepID",
    f"{_STEP}ScheduledProcedureStepDescription": "PerformedProcedureStepDescription",
    f"{_STEP}ScheduledProtocolCodeSequence": "PerformedProtocolCodeSequence",
    "RequestedProcedureCodeSequence": "ProcedureCodeSequence",
    "RequestedProcedureID": "StudyID",
}
#: Required at N-CREATE though they may be empty (type 2).
_EMPTY: Final = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "ReferencedPatientSequence",
    "PerformedStationName",
    "PerformedLocation",
    "PerformedProcedureStepDescription",
    "PerformedProcedureTypeDescription",
    "ProcedureCodeSequence",
    "PerformedProcedureStepEndDate",
    "PerformedProcedureStepEndTime",
    "StudyID",
    "PerformedProtocolCodeSequence",
    "PerformedSeriesSequence",
)
_SERIES_TEXTS: Final = (
    "SeriesInstanceUID",
    "SeriesDescription",
    "PerformingPhysicianName",
    "OperatorsName",
    "ProtocolName",
    "RetrieveAETitle",
)
_IMAGES: Final = "ReferencedImageSequence"
_OTHERS: Final = "ReferencedNonImageCompositeSOPInstanceSequence"
_READ: Final = ("SpecificCharacterSet", "Modality", "Rows", "SOPInstanceUID", *_SERIES_TEXTS)


@dataclass(frozen=True)
class SeriesToReport:
    """One item of Performed Series Sequence.

    Attributes:
        texts: {keyword: value} of the series.
        images: (SOP class, SOP instance) of its images.
        others: the same of what else is in it.
    """

    texts: dict[str, str]
    images: list[tuple[str, str]] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)


def in_progress(
    item: Mapping[str, str],
    *,
    study_uid: str,
    station: str,
    modality: str,
    step_id: str,
    started: datetime.datetime,
) -> dict[str, str]:
    """Attributes of a step that begins.

    Args:
        item: the worklist item; empty for a step that nobody scheduled.
        study_uid: where the item has none.
        station: AE title of the modality.
        step_id: Performed Procedure Step ID where the item has no ID of the scheduled one.
        started: local time.
    """
    attributes = dict.fromkeys(_EMPTY, "")
    attributes |= dict.fromkeys((_SCHEDULED + each for each in _OF_SCHEDULED_STEP.values()), "")
    for keyword in _PATIENT:
        attributes |= _copied(item, keyword, keyword)
    for source, keyword in _OF_SCHEDULED_STEP.items():
        attributes |= _copied(item, source, _SCHEDULED + keyword)
    for source, keyword in _AS_SCHEDULED.items():
        attributes |= _copied(item, source, keyword)
    attributes[f"{_SCHEDULED}StudyInstanceUID"] = item.get("StudyInstanceUID") or study_uid
    attributes["PerformedProcedureStepID"] = attributes.get("PerformedProcedureStepID") or step_id
    return attributes | {
        "PerformedStationAETitle": station,
        "PerformedProcedureStepStartDate": f"{started:%Y%m%d}",
        "PerformedProcedureStepStartTime": f"{started:%H%M%S}",
        "PerformedProcedureStepStatus": "IN PROGRESS",
        "Modality": modality,
    }


def finished(
    status: str, series: Iterable[SeriesToReport], ended: datetime.datetime | None
) -> dict[str, str]:
    """Attributes of a step that has reached ``status``, without references to instances.

    Args:
        ended: local time; None where the step goes on.
    """
    attributes = {"PerformedProcedureStepStatus": status}
    if ended is not None:
        attributes["PerformedProcedureStepEndDate"] = f"{ended:%Y%m%d}"
        attributes["PerformedProcedureStepEndTime"] = f"{ended:%H%M%S}"
    attributes["PerformedSeriesSequence"] = ""
    for number, each in enumerate(series, 1):
        item = "PerformedSeriesSequence" + (f"[{number}]" if number > 1 else "")
        for keyword, value in each.texts.items():
            attributes[f"{item}.{keyword}"] = value
        attributes[f"{item}.{_IMAGES}"] = attributes[f"{item}.{_OTHERS}"] = ""
    return attributes


def refer_to_instances(modifications: Dataset, series: Iterable[SeriesToReport]) -> None:
    """Put references to instances into what ``finished`` describes, where a sequence is for them.

    They are no attributes in words because a series may have thousands.
    """
    items = modifications.get("PerformedSeriesSequence") or ()
    for item, each in zip(items, series, strict=False):
        for keyword, instances in ((_IMAGES, each.images), (_OTHERS, each.others)):
            if keyword in item and not item[keyword].value:
                setattr(item, keyword, _references(instances))


def performed_series(files: Iterable[Path]) -> list[SeriesToReport]:
    """The series that Part-10 files belong to, in order of first appearance.

    Raises:
        UsageError: a file is none, or has no Series Instance UID.
    """
    series: dict[str, SeriesToReport] = {}
    for path in files:
        file = inspect(path)
        try:
            dataset = dcmread(path, stop_before_pixels=True, specific_tags=list(_READ))
        except (OSError, InvalidDicomError, ValueError, EOFError) as error:
            raise UsageError(f"{path} can't be read: {error}") from error
        uid = str(dataset.get("SeriesInstanceUID") or "")
        if not uid:
            raise UsageError(
                f"{path} can't be in a performed series: expected a Series Instance UID"
                " (0020,000E), which it lacks"
            )
        read = attributes_of(dataset)
        texts = {keyword: read.get(keyword, "") for keyword in _SERIES_TEXTS}
        # type 1 once the step is over
        texts["ProtocolName"] = (
            texts["ProtocolName"] or texts["SeriesDescription"] or read.get("Modality", "")
        )
        each = series.setdefault(uid, SeriesToReport(texts))
        kept = each.images if "Rows" in dataset else each.others
        kept.append((file.sop_class_uid, file.sop_instance_uid))
    return list(series.values())


def without(attributes: Mapping[str, str], omitted: Iterable[str]) -> dict[str, str]:
    """``attributes`` without those that ``omitted`` names, sequences with all their items.

    Raises:
        UsageError: there is no such attribute to leave out.
    """
    remaining = dict(attributes)
    for path in omitted:
        named = [name for name in remaining if _belongs(name, path)]
        if not named:
            known = ", ".join(sorted(remaining))
            raise UsageError(f"there is no {path!r} to leave out; there are {known}")
        for name in named:
            del remaining[name]
    return remaining


def _copied(item: Mapping[str, str], source: str, target: str) -> dict[str, str]:
    """What ``item`` has at ``source`` and below, named as at ``target``.

    Many worklist SCPs answer a return key that they know nothing for with an item of empty
    attributes; that is no item.
    """
    found = {name: value for name, value in item.items() if _belongs(name, source)}
    if not any(found.values()):
        return {target: ""} if found else {}
    return {target + name[len(source) :]: value for name, value in found.items()}


def _belongs(name: str, path: str) -> bool:
    return name.startswith(path) and name[len(path) : len(path) + 1] in ("", ".", "[")


def _references(instances: Iterable[tuple[str, str]]) -> list[Dataset]:
    references = []
    for sop_class, sop_instance in instances:
        item = Dataset()
        item.ReferencedSOPClassUID = sop_class
        item.ReferencedSOPInstanceUID = sop_instance
        references.append(item)
    return references
