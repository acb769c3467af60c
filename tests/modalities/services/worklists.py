"""Worklist items in words."""

from __future__ import annotations

STEP = "ScheduledProcedureStepSequence."


def item(number: int, modality: str, **further: str) -> dict[str, str]:
    """A complete worklist item."""
    return {
        "PatientName": f"Phantom^{number}",
        "PatientID": f"P{number}",
        "PatientBirthDate": "19700101",
        "PatientSex": "O",
        "AccessionNumber": f"ACC{number}",
        "StudyInstanceUID": f"2.25.{number}",
        "RequestedProcedureID": f"RP{number}",
        "RequestedProcedureDescription": "Examination",
        "RequestedProcedureCodeSequence.CodeValue": "THX",
        "RequestedProcedureCodeSequence.CodingSchemeDesignator": "99LAB",
        "RequestedProcedureCodeSequence.CodeMeaning": "Thorax",
        f"{STEP}ScheduledStationAETitle": "CT",
        f"{STEP}ScheduledProcedureStepStartDate": "20260105",
        f"{STEP}ScheduledProcedureStepStartTime": "080000",
        f"{STEP}Modality": modality,
        f"{STEP}ScheduledProcedureStepDescription": "Thorax native",
        f"{STEP}ScheduledProcedureStepID": f"SPS{number}",
        **further,
    }
