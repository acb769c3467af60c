"""C-STORE as SCP (PS3.4 annex B): what is kept, changed or refused, as the profile says."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final, NamedTuple

from pydicom import Dataset
from pynetdicom.dimse_primitives import C_STORE

from archive.policy import Policy
from archive.store import Arrival, ObjectStore
from archive.structure import BrokenStructureError, strictly_read
from dicom.association.accepted import Context
from dicom.association.rules import Abort
from dicom.datasets.codec import decode, encode
from dicom.datasets.encoding import UNREADABLE, MalformedDatasetError
from dicom.dimse.responses import Failure
from dicom.services.responses import content_of, failed, response_to

_OUT_OF_RESOURCES: Final = Failure(status=0xA700, comment="{error}")
_CANNOT_UNDERSTAND: Final = Failure(status=0xC000)
#: Attributes that an object is kept or refused by.
_DECISIVE: Final = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "PatientID",
    "Modality",
)
#: Why a dataset is refused, or None.
Check = Callable[[Dataset], tuple[Failure, str] | None]


class Offer(NamedTuple):
    """An object that somebody wants to be kept.

    ``service`` and ``source`` say how it came and from whom, ``instance`` what the request calls
    it, for the log; ``content`` is its dataset in ``transfer_syntax``.
    """

    service: str
    source: str
    transfer_syntax: str
    content: bytes
    instance: str

    @property
    def words(self) -> str:
        """``C-STORE from CT: 1.2.3``."""
        return f"{self.service} from {self.source}: {self.instance}"


class Receipt(NamedTuple):
    """What became of an offer: kept where ``failure`` is None, else why not in words.

    ``dataset`` is what it holds, None where it could not be read; ``broken_after`` is then the
    number of bytes after which a reader notices, None if only at the end.
    """

    failure: Failure | None
    why: str
    dataset: Dataset | None
    broken_after: int | None = None


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
        self,
        policy: Policy,
        calling: str,
        context: Context,
        request: C_STORE,
        last_fragment: int = 0,
    ) -> C_STORE | Abort | None:
        """Carry out one C-STORE-RQ and give its response; None: none is sent.

        A vendor that does not answer a dataset that breaks has stopped to expect it: if more
        fragments were still to come then, they are misplaced. ``last_fragment`` is as of
        ``IncomingMessage``.
        """
        rules = policy.profile.receipt
        response = response_to(request)
        instance = str(request.AffectedSOPInstanceUID)
        claimed = (str(request.AffectedSOPClassUID), instance)
        offer = Offer("C-STORE", calling, context.transfer_syntax, content_of(request), instance)
        receipt = self.take(
            policy, offer, lambda dataset: _mismatch(rules.command_mismatch, claimed, dataset)
        )
        if receipt.dataset is None and rules.unparsable is None:
            noticed = receipt.broken_after
            gone_on = noticed is not None and noticed <= last_fragment
            return policy.profile.negotiation.misplaced_fragment if gone_on else None
        if receipt.failure is not None:
            study = "" if receipt.dataset is None else _text(receipt.dataset, "StudyInstanceUID")
            failed(response, receipt.failure, error=receipt.why, calling=calling, study=study)
            return response
        response.Status = 0x0000
        return response

    def take(self, policy: Policy, offer: Offer, further: Check) -> Receipt:
        """Keep an object, change it or refuse it, by whatever service it came.

        Args:
            further: what the service checks besides, once the dataset says which object it is.
        """
        rules = policy.profile.receipt
        try:
            content = offer.content
            if rules.strict_structure:
                content = strictly_read(
                    content, offer.transfer_syntax, unprintable_vr=rules.unprintable_vr
                )
            dataset = decode(content, offer.transfer_syntax)
            _require_readable(dataset)
        except MalformedDatasetError as error:
            self._log(f"{offer.words} refused: {error}")
            noticed = error.noticed if isinstance(error, BrokenStructureError) else None
            return Receipt(rules.unparsable or _CANNOT_UNDERSTAND, str(error), None, noticed)
        refused = self._refusal(policy, dataset, further)
        if refused is not None:
            failure, why = refused
            self._log(f"{offer.words} refused with {failure.status:#06x}: {why}")
            return Receipt(failure, why, dataset)
        if self._coerced(policy, dataset):
            content = encode(dataset, offer.transfer_syntax)
        try:
            kept = self._store.add(
                _arrival(dataset, offer.transfer_syntax, offer.source, content),
                policy.settings.overwrite_policy or "never",
            )
        except OSError as error:
            self._log(f"{offer.words} can't be written: {error}")
            return Receipt(_OUT_OF_RESOURCES, str(error.strerror), dataset)
        self._log(f"{offer.service} from {offer.source}: {_text(dataset, 'SOPInstanceUID')} {kept}")
        return Receipt(None, "", dataset)

    def _refusal(
        self, policy: Policy, dataset: Dataset, further: Check
    ) -> tuple[Failure, str] | None:
        rules = policy.profile.receipt
        sop_class, instance = _text(dataset, "SOPClassUID"), _text(dataset, "SOPInstanceUID")
        if not sop_class or not instance:
            return rules.missing_sop_uid, "dataset without SOP Class UID or SOP Instance UID"
        refused = further(dataset)
        if refused is not None:
            return refused
        study = _text(dataset, "StudyInstanceUID")
        if not study or not _text(dataset, "SeriesInstanceUID"):
            return rules.missing_study_uid, "no Study Instance UID or no Series Instance UID"
        patient = _text(dataset, "PatientID")
        limit = rules.long_identifier
        if limit is not None:
            for keyword in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID"):
                length = len(_text(dataset, keyword))
                if length > limit.longer_than:
                    return limit, f"{keyword} of {length} characters, {limit.longer_than} are taken"
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
            patient = _apart(dataset, "SpecificCharacterSet", "PatientName", "PatientBirthDate")
            dataset.IssuerOfPatientID = rules.supplement_issuer.format(
                name=_java_hash(_text(patient, "PatientName")),
                birth_date=_java_hash(_text(patient, "PatientBirthDate")),
            )
            changed = True
        return changed

    def _patient_for(self, study: str) -> str:
        """A Patient ID for objects of ``study`` that have none: all of them get the same."""
        held = self._store.select({"StudyInstanceUID": (study,)})
        if held:
            return held[0].patient_id
        return f"P-{hashlib.sha256(study.encode()).hexdigest()[:8].upper()}"


def _require_readable(dataset: Dataset) -> None:
    """Nothing, where every attribute that decides about an object has a value of its VR.

    Raises:
        MalformedDatasetError: one has not, such as a number of three bytes.
    """
    for keyword in _DECISIVE:
        try:
            dataset.get(keyword)
        except UNREADABLE as error:
            raise MalformedDatasetError(f"{keyword} can't be read: {error}") from error


def _mismatch(
    failure: Failure | None, claimed: tuple[str, str], dataset: Dataset
) -> tuple[Failure, str] | None:
    """Whether the command names another SOP class or instance than the dataset (F15a, F15b)."""
    sop_class, instance = _text(dataset, "SOPClassUID"), _text(dataset, "SOPInstanceUID")
    if failure is None or (sop_class, instance) == claimed:
        return None
    return failure, f"dataset is {instance} of class {sop_class}"


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


def _apart(dataset: Dataset, *keywords: str) -> Dataset:
    """Some attributes in a dataset of their own: one that was looked at is not encoded again as
    the bytes that it was, and nobody would see that text in a wrong character set arrived so."""
    apart = Dataset()
    for keyword in keywords:
        if keyword in dataset:
            apart[keyword] = dataset.get_item(keyword)
    return apart


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip()


def _java_hash(text: str) -> str:
    """``String.hashCode`` as 8 hex digits, which DCM4CHEE's ``hash`` format writes (F28)."""
    value = 0
    for unit in memoryview(text.encode("utf-16-le")).cast("H"):
        value = (31 * value + unit) & 0xFFFFFFFF
    return f"{value:08X}"
