"""Performed procedure steps as an SCP of MPPS keeps them (PS3.4 annex F): pure, no transport."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Lock
from typing import Final

from pydicom import Dataset
from pydicom.uid import generate_uid

from dicom.dimse.responses import DimseReply, Failure
from dicom.frozen import Frozen
from dicom.workflow.performed import PerformedStep, performed_step

IN_PROGRESS: Final = "IN PROGRESS"
_FINAL: Final = ("COMPLETED", "DISCONTINUED")
#: Type 1 at N-CREATE (PS3.4 table F.7.2-1), and among them those inside items.
_TYPE_1: Final = (
    "ScheduledStepAttributesSequence",
    "PerformedProcedureStepID",
    "PerformedStationAETitle",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "PerformedProcedureStepStatus",
    "Modality",
)
#: Type 2 at N-CREATE: they may be empty.
_TYPE_2: Final = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
#: What a step must have when it is over: final state type 1.
_AT_THE_END: Final = ("PerformedProcedureStepEndDate", "PerformedProcedureStepEndTime")
#: Set by N-CREATE and never again.
_FIXED: Final = (
    *_TYPE_2,
    "IssuerOfPatientID",
    "ScheduledStepAttributesSequence",
    "PerformedProcedureStepID",
    "PerformedStationAETitle",
    "PerformedProcedureStepStartDate",
    "PerformedProcedureStepStartTime",
    "Modality",
    "StudyID",
)


class MppsRules(Frozen):
    """How an SCP of MPPS answers; the defaults are the standard's (PS3.4 F.7.2, PS3.7 annex C).

    ``checks`` looks at what N-CREATE and N-SET must have, and at what may not change. ``final``
    answers an N-SET of a step that is over. ``missing_patient_id`` answers an N-CREATE without
    one (None: accepted). ``create_failure`` and ``set_failure`` answer every such request.
    """

    checks: bool = True
    duplicate: Failure = Failure(status=0x0111)
    unknown: Failure = Failure(status=0x0112)
    final: Failure = Failure(
        status=0x0110,
        comment="Performed Procedure Step Object may no longer be updated",
        error_id=0xA710,
    )
    missing_attribute: Failure = Failure(status=0x0120, comment="{error}")
    missing_value: Failure = Failure(status=0x0121, comment="{error}")
    invalid_value: Failure = Failure(status=0x0106, comment="{error}")
    fixed_attribute: Failure = Failure(status=0x0105, comment="{error}")
    missing_patient_id: Failure | None = None
    create_failure: Failure | None = None
    set_failure: Failure | None = None


class _RefusedError(Exception):
    """A request that is answered with ``reply``."""

    def __init__(self, failure: Failure, error: str = "") -> None:
        super().__init__(error)
        self.reply = DimseReply.failed(failure, error)


class ProcedureSteps:
    """All steps that were reported since the start or the last ``forget``; any thread may call.

    Texts are decoded as they come: N-CREATE and N-SET may use different character sets.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._steps: dict[str, tuple[str, Dataset]] = {}

    def create(self, rules: MppsRules, uid: str, attributes: Dataset, calling: str) -> DimseReply:
        """N-CREATE (PS3.4 F.7.2.1): a step begins.

        Args:
            uid: SOP Instance UID; empty lets the SCP choose one, which the reply's dataset has.
            calling: AE title of the modality that reports.
        """
        attributes.decode()
        chosen = uid or str(generate_uid())
        try:
            if rules.create_failure is not None:
                raise _RefusedError(rules.create_failure)
            with self._lock:
                if chosen in self._steps:
                    raise _RefusedError(rules.duplicate)
                if rules.missing_patient_id is not None and not attributes.get("PatientID"):
                    raise _RefusedError(rules.missing_patient_id)
                if rules.checks:
                    _check_new(rules, attributes)
                self._steps[chosen] = (calling, attributes)
        except _RefusedError as refused:
            return refused.reply
        if uid:
            return DimseReply()
        answer = Dataset()
        answer.AffectedSOPInstanceUID = chosen
        return DimseReply(dataset=answer)

    def set(self, rules: MppsRules, uid: str, modifications: Dataset) -> DimseReply:
        """N-SET (PS3.4 F.7.2.2): a step goes on, is completed or discontinued."""
        modifications.decode()
        try:
            if rules.set_failure is not None:
                raise _RefusedError(rules.set_failure)
            with self._lock:
                if uid not in self._steps:
                    raise _RefusedError(rules.unknown)
                calling, step = self._steps[uid]
                if str(step.get("PerformedProcedureStepStatus")) in _FINAL:
                    raise _RefusedError(rules.final)
                if rules.checks:
                    _check_change(rules, step, modifications)
                changed = Dataset()
                changed.update(step)
                changed.update(modifications)
                self._steps[uid] = (calling, changed)
        except _RefusedError as refused:
            return refused.reply
        return DimseReply()

    def performed(self) -> tuple[PerformedStep, ...]:
        """What is known of every step, in the order in which they began."""
        with self._lock:
            steps = list(self._steps.items())
        return tuple(performed_step(uid, calling, step) for uid, (calling, step) in steps)

    def forget(self) -> None:
        """Drop all of them."""
        with self._lock:
            self._steps.clear()


def _check_new(rules: MppsRules, attributes: Dataset) -> None:
    _require(rules, attributes, _TYPE_1, values=True)
    _require(rules, attributes, _TYPE_2, values=False)
    for item in attributes.ScheduledStepAttributesSequence:
        _require(rules, item, ("StudyInstanceUID",), values=True)
    status = str(attributes.PerformedProcedureStepStatus)
    if status != IN_PROGRESS:
        raise _RefusedError(rules.invalid_value, f"a step begins {IN_PROGRESS}, not {status}")


def _check_change(rules: MppsRules, step: Dataset, modifications: Dataset) -> None:
    for keyword in _FIXED:
        if keyword in modifications:
            raise _RefusedError(rules.fixed_attribute, f"{keyword} can't be set any more")
    status = modifications.get("PerformedProcedureStepStatus")
    if status is not None and str(status) not in (IN_PROGRESS, *_FINAL):
        raise _RefusedError(rules.invalid_value, f"PerformedProcedureStepStatus {status}")
    if str(status) not in _FINAL:
        return
    after = Dataset()
    after.update(step)
    after.update(modifications)
    _require(rules, after, _AT_THE_END, values=True)
    if str(status) == "COMPLETED":
        _require(rules, after, ("PerformedSeriesSequence",), values=True)
    for item in after.get("PerformedSeriesSequence") or ():
        _require(rules, item, ("SeriesInstanceUID", "ProtocolName"), values=True)


def _require(
    rules: MppsRules, attributes: Dataset, keywords: Iterable[str], *, values: bool
) -> None:
    for keyword in keywords:
        if keyword not in attributes:
            raise _RefusedError(rules.missing_attribute, f"{keyword} is missing")
        if values and not attributes.get(keyword):
            raise _RefusedError(rules.missing_value, f"{keyword} is empty")
