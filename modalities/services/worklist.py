"""Basic Worklist Management SCU: the Modality Worklist as C-FIND (PS3.4 annex K)."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from dicom.association.ends import Caller, Target
from dicom.association.requestor import Association
from dicom.datasets.identifier import dataset_of
from dicom.dimse.scu import UNCOMPRESSED, tls_of
from dicom.workflow.worklist import MODALITY_WORKLIST
from modalities.commands import Command, Report
from modalities.nodes.service import OwnNode, service
from modalities.services.query import LONGEST_QUERY_SECONDS, find_all

_STEP: Final = "ScheduledProcedureStepSequence."
_CODE: Final = ("CodeValue", "CodingSchemeDesignator", "CodingSchemeVersion", "CodeMeaning")
#: What a modality needs for its images and its MPPS (PS3.4 table K.6-1; IHE RAD TF-2 4.5).
RETURN_KEYS: Final = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientWeight",
    "PatientSize",
    "MedicalAlerts",
    "Allergies",
    "PregnancyStatus",
    "AccessionNumber",
    "ReferringPhysicianName",
    "StudyInstanceUID",
    "RequestedProcedureID",
    "RequestedProcedureDescription",
    *(f"RequestedProcedureCodeSequence.{each}" for each in _CODE),
    "RequestedProcedurePriority",
    "RequestingPhysician",
    "AdmissionID",
    "CurrentPatientLocation",
    "ReferencedStudySequence.ReferencedSOPClassUID",
    "ReferencedStudySequence.ReferencedSOPInstanceUID",
    "ReferencedPatientSequence.ReferencedSOPClassUID",
    "ReferencedPatientSequence.ReferencedSOPInstanceUID",
    f"{_STEP}ScheduledStationAETitle",
    f"{_STEP}ScheduledStationName",
    f"{_STEP}ScheduledProcedureStepLocation",
    f"{_STEP}ScheduledProcedureStepStartDate",
    f"{_STEP}ScheduledProcedureStepStartTime",
    f"{_STEP}Modality",
    f"{_STEP}ScheduledPerformingPhysicianName",
    f"{_STEP}ScheduledProcedureStepDescription",
    f"{_STEP}ScheduledProcedureStepID",
    *(f"{_STEP}ScheduledProtocolCodeSequence.{each}" for each in _CODE),
    f"{_STEP}PreMedication",
    f"{_STEP}RequestedContrastAgent",
)


class Worklist(Command):
    """C-FIND of worklist items.

    ``keys`` maps keywords, dotted for the attributes of items (see
    ``dicom.datasets.identifier``), to match values:
    ``{"ScheduledProcedureStepSequence.Modality": "CT"}``. ``return_keys`` are asked for besides;
    None is what a modality needs. ``character_set`` is the identifier's Specific Character Set;
    None is UTF-8 where a value is not plain ASCII.
    """

    kind: Literal["worklist"] = "worklist"
    target: Target
    caller: Caller
    keys: dict[str, str] = Field(default_factory=dict)
    return_keys: tuple[str, ...] | None = None
    character_set: str | None = None


@service(Worklist, patience=lambda _command: LONGEST_QUERY_SECONDS)
def _worklist(command: Worklist, here: OwnNode) -> Report:
    return worklist(command, here.exchange, here.name)


def worklist(command: Worklist, exchange: Path, observer: str) -> Report:
    """Carry out a query of the Modality Worklist; each of ``answers`` is one worklist item.

    Raises:
        UsageError: a key is no attribute keyword, or its value does not fit it.
    """
    returned = RETURN_KEYS if command.return_keys is None else command.return_keys
    identifier = dataset_of({**dict.fromkeys(returned, ""), **command.keys}, command.character_set)
    association = Association(
        command.target,
        command.caller,
        [(MODALITY_WORKLIST, UNCOMPRESSED)],
        tls_of(command.target, exchange),
        observer,
    )
    return find_all(association, MODALITY_WORKLIST, identifier)
