"""C-STORE as SCP (PS3.4 annex B): what is kept, changed or refused, as the profile says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from typing import Final

from pydicom import Dataset
from pynetdicom.dimse_primitives import C_STORE

from modalities.encoding import MalformedDatasetError
from orchestrator.stacks.profile.acceptor import Context
from orchestrator.stacks.profile.encoding import decode, encode
from orchestrator.stacks.profile.policy import Policy
from orchestrator.stacks.profile.responses import failed
from orchestrator.stacks.profile.store import Arrival, ObjectStore
from orchestrator.stacks.profile.vendor import Failure

_OUT_OF_RESOURCES: Final = Failure(status=0xA700, comment="{error}")


class Receiver:
    """Takes objects into ``store``; one per archive, usable from several threads.

    Args:
        store: where accepted objects go.
        log: told what an administrator wants to read about each object.
    """

    def __init__(self, store: ObjectStore, log: Callable[[str], None]) -> None:
        self._store = store
        self._log = log

    def store(
        self, policy: Policy, calling: str, context: Context, request: C_STORE
    ) -> C_STORE | None:
        """Carry out one C-STORE-RQ and give its response; None: none is sent."""
        rules = policy.profile.receipt
        response = C_STORE()
        response.MessageIDBeingRespondedTo = request.MessageID
        response.AffectedSOPClassUID = request.AffectedSOPClassUID
        response.AffectedSOPInstanceUID = request.AffectedSOPInstanceUID
        content = request.DataSet.getvalue() if isinstance(request.DataSet, BytesIO) else b""
        try:
            dataset = decode(content, context.transfer_syntax)
        except MalformedDatasetError as error:
            self._log(f"C-STORE from {calling}: {request.AffectedSOPInstanceUID} refused: {error}")
            if rules.unparsable is None:
                return None
            failed(response, rules.unparsable, error=str(error))
            return response
        refused = self._refusal(policy, request, dataset)
        if refused is not None:
            failure, why = refused
            self._log(
                f"C-STORE from {calling}: {request.AffectedSOPInstanceUID} refused"
                f" with {failure.status:#06x}: {why}"
            )
            study = _text(dataset, "StudyInstanceUID")
            failed(response, failure, error=why, calling=calling, study=study)
            return response
        if self._coerced(policy, dataset):
            content = encode(dataset, context.transfer_syntax)
        try:
            kept = self._store.add(
                _arrival(dataset, context.transfer_syntax, calling, content),
                policy.settings.overwrite_policy or "never",
            )
        except OSError as error:
            self._log(f"C-STORE from {calling}: can't be written: {error}")
            failed(response, _OUT_OF_RESOURCES, error=str(error.strerror))
            return response
        self._log(f"C-STORE from {calling}: {_text(dataset, 'SOPInstanceUID')} {kept}")
        response.Status = 0x0000
        return response

    def _refusal(
        self, policy: Policy, request: C_STORE, dataset: Dataset
    ) -> tuple[Failure, str] | None:
        rules = policy.profile.receipt
        sop_class, instance = _text(dataset, "SOPClassUID"), _text(dataset, "SOPInstanceUID")
        if not sop_class or not instance:
            return rules.missing_sop_uid, "dataset without SOP Class UID or SOP Instance UID"
        if rules.command_mismatch is not None and (
            sop_class != request.AffectedSOPClassUID or instance != request.AffectedSOPInstanceUID
        ):
            return rules.command_mismatch, f"dataset is {instance} of class {sop_class}"
        study = _text(dataset, "StudyInstanceUID")
        if not study or not _text(dataset, "SeriesInstanceUID"):
            return rules.missing_study_uid, "no Study Instance UID or no Series Instance UID"
        patient = _text(dataset, "PatientID")
        if not patient and isinstance(rules.missing_patient_id, Failure):
            return rules.missing_patient_id, "no Patient ID"
        if rules.other_patient is not None:
            held = self._store.select({"StudyInstanceUID": (study,)})
            other = next((each.patient_id for each in held if each.patient_id != patient), None)
            if other is not None and patient:
                words = f"Patient ID {patient} differs from {other} of study {study}"
                return rules.other_patient, words
        return None

    def _coerced(self, policy: Policy, dataset: Dataset) -> bool:
        """Change what the vendor changes on receipt (F14a, F28); whether anything changed."""
        rules = policy.profile.receipt
        changed = False
        if rules.missing_patient_id == "create" and not _text(dataset, "PatientID"):
            dataset.PatientID = self._patient_for(_text(dataset, "StudyInstanceUID"))
            changed = True
        if rules.supplement_issuer is not None and not _text(dataset, "IssuerOfPatientID"):
            dataset.IssuerOfPatientID = rules.supplement_issuer.format(
                name=_java_hash(_text(dataset, "PatientName")),
                birth_date=_java_hash(_text(dataset, "PatientBirthDate")),
            )
            changed = True
        return changed

    def _patient_for(self, study: str) -> str:
        """A Patient ID for objects of ``study`` that have none: all of them get the same."""
        held = self._store.select({"StudyInstanceUID": (study,)})
        if held:
            return held[0].patient_id
        return f"P-{hashlib.sha256(study.encode()).hexdigest()[:8].upper()}"


def _arrival(dataset: Dataset, transfer_syntax: str, calling: str, content: bytes) -> Arrival:
    return Arrival(
        sop_class=_text(dataset, "SOPClassUID"),
        sop_instance=_text(dataset, "SOPInstanceUID"),
        series=_text(dataset, "SeriesInstanceUID"),
        study=_text(dataset, "StudyInstanceUID"),
        patient_id=_text(dataset, "PatientID"),
        modality=_text(dataset, "Modality"),
        transfer_syntax=transfer_syntax,
        calling=calling,
        content=content,
    )


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()


def _java_hash(text: str) -> str:
    """``String.hashCode`` as 8 hex digits, which DCM4CHEE's ``hash`` format writes (F28)."""
    value = 0
    for unit in memoryview(text.encode("utf-16-le")).cast("H"):
        value = (31 * value + unit) & 0xFFFFFFFF
    return f"{value:08X}"
