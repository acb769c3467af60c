"""What a modality puts into its objects from the worklist item that it picked.

IHE Radiology, Scheduled Workflow (RAD TF-2 appendix A): patient and order go from the worklist
into the images unchanged, together with references to the scheduled and the performed step.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmread

from dicom.datasets.fingerprint import Fingerprint
from dicom.datasets.identifier import dataset_of
from dicom.datasets.part10 import fingerprint_of
from dicom.workflow.performed_step import MPPS

_STEP: Final = "ScheduledProcedureStepSequence"
#: Copied as they are where the item has a value.
_COPIED: Final = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyInstanceUID",
)
#: Type 2 in every object: empty in the item is empty in the object.
_EMPTY_TOO: Final = frozenset(
    {"PatientName", "PatientID", "PatientBirthDate", "PatientSex", "AccessionNumber"}
)
#: Of the order, into Request Attributes Sequence (PS3.3 table 10-9).
_OF_ORDER: Final = (
    "AccessionNumber",
    "StudyInstanceUID",
    "RequestedProcedureDescription",
    "RequestedProcedureID",
)
_OF_STEP: Final = (
    "ScheduledProcedureStepDescription",
    "ScheduledProcedureStepID",
    "ScheduledProtocolCodeSequence",
)


def acquire(
    path: Path, item: Mapping[str, str], mpps_uid: str, started: datetime.datetime
) -> Fingerprint:
    """Give the Part-10 file at ``path`` the identity that a worklist item has; its fingerprint.

    Args:
        item: one of a worklist query's ``answers``.
        mpps_uid: SOP Instance UID of the performed procedure step.
        started: when the performed step began, local time.

    Raises:
        UsageError: a value of the item does not fit its attribute.
    """
    dataset = dcmread(path)
    identify(dataset, item, mpps_uid, started)
    dataset.save_as(path)
    return fingerprint_of(path)


def identify(
    dataset: Dataset, item: Mapping[str, str], mpps_uid: str, started: datetime.datetime
) -> None:
    """As ``acquire``, on a dataset.

    Raises:
        UsageError: a value of the item does not fit its attribute.
    """
    known = dataset_of(item, item.get("SpecificCharacterSet") or None)
    dataset.decode()  # the texts that stay are written anew in the item's character set
    if "SpecificCharacterSet" in known:
        dataset.SpecificCharacterSet = known.SpecificCharacterSet
    for keyword in _COPIED:
        if known.get(keyword) or (keyword in known and keyword in _EMPTY_TOO):
            setattr(dataset, keyword, known.get(keyword))
    dataset.RequestAttributesSequence = [_request(known)]
    reference = Dataset()
    reference.ReferencedSOPClassUID = MPPS
    reference.ReferencedSOPInstanceUID = mpps_uid
    dataset.ReferencedPerformedProcedureStepSequence = [reference]
    dataset.PerformedProcedureStepStartDate = f"{started:%Y%m%d}"
    dataset.PerformedProcedureStepStartTime = f"{started:%H%M%S}"
    steps = known.get(_STEP)
    if steps and steps[0].get("ScheduledProcedureStepID"):
        dataset.PerformedProcedureStepID = steps[0].ScheduledProcedureStepID


def _request(known: Dataset) -> Dataset:
    steps = known.get(_STEP)
    request = Dataset()
    for source, keywords in ((known, _OF_ORDER), (steps[0] if steps else Dataset(), _OF_STEP)):
        for keyword in keywords:
            if source.get(keyword):
                setattr(request, keyword, source.get(keyword))
    return request
