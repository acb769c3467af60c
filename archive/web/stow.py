"""STOW-RS as origin server (PS3.18 10.5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import Final

from pydicom import Dataset
from pydicom.filereader import read_dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from archive.policy import Policy
from archive.receive import Offer, Receipt, Receiver
from archive.web.messages import WebReply, WebRequest, as_json
from archive.web.rules import StowRules
from dicom.association.requested import ACCEPTED
from dicom.datasets.encoding import UNREADABLE
from dicom.dimse.responses import Failure
from dicom.web.multipart import DICOM, MultipartError, Part, boundary_of, media_type, read_parts

_PREFIXED: Final = 132
#: Tag, VR, length and value of the group length that file meta information begins with.
_GROUP_LENGTH: Final = 12
_FILE_META: Final = 0x0002
#: Failure Reasons of PS3.18 table I.2-2.
_CLASS_REFUSED: Final = Failure(status=0x0122)
_SYNTAX_REFUSED: Final = Failure(status=0xC122)


class _NoFileError(ValueError):
    """A part that is no Part-10 file."""


def store(policy: Policy, rules: StowRules, receiver: Receiver, request: WebRequest) -> WebReply:
    """Take what the request carries by the rules of C-STORE, and say what became of each object.

    A message that is cut off, or has parts of another type, is what its complete parts of the
    right type are.
    """
    name, parameters = media_type(request.headers.get("content-type", ""))
    try:
        boundary = boundary_of(request.headers.get("content-type", ""))
    except MultipartError as error:
        return WebReply.text(415, str(error))
    if name != "multipart/related" or parameters.get("type", "").lower() != DICOM:
        return WebReply.text(415, f'expected multipart/related; type="{DICOM}"')
    study = request.path[1] if len(request.path) > 1 else None
    taking = _Taking(policy, rules, receiver, request, study)
    try:
        for part in read_parts(request.body, boundary):
            taking.take(part)
    except MultipartError as error:
        taking.cut_off = str(error)
    return taking.reply()


@dataclass
class _Taking:
    """One request's objects as they come."""

    policy: Policy
    rules: StowRules
    receiver: Receiver
    request: WebRequest
    study: str | None
    stored: list[Dataset] = field(default_factory=list)
    failed: list[Dataset] = field(default_factory=list)
    unnamed: int = 0
    wrong_study: bool = False
    any_wrong_study: bool = False
    first_study: str = ""
    first_error: str = ""
    cut_off: str = ""

    def take(self, part: Part) -> None:
        """Keep or refuse the object in one part."""
        if not self._is_object(part):
            return
        try:
            syntax, content = _apart(part.content)
        except _NoFileError as error:
            self._fail(Receipt(Failure(status=0xC000), str(error), None))
            return
        self.wrong_study = False
        source = f"HTTP {self.request.peer}"
        receipt = self.receiver.take(
            self.policy,
            Offer("STOW-RS", source, syntax, content, f"a part of {len(part.content)} bytes"),
            lambda dataset: self._check(dataset, syntax),
        )
        if receipt.failure is not None or receipt.dataset is None:
            self._fail(receipt)
            return
        item = _reference(receipt.dataset)
        study = str(receipt.dataset.StudyInstanceUID)
        item.RetrieveURL = (
            f"{self.request.base}/studies/{study}/series/{receipt.dataset.SeriesInstanceUID}"
            f"/instances/{receipt.dataset.SOPInstanceUID}"
        )
        self.stored.append(item)
        self.first_study = self.first_study or study

    def reply(self) -> WebReply:
        """The response (PS3.18 table I.2-1)."""
        rules = self.rules
        answer = Dataset()
        if rules.character_set is not None:
            answer.SpecificCharacterSet = rules.character_set
        if self.stored:
            answer.RetrieveURL = f"{self.request.base}/studies/{self.first_study}"
        if self.failed or "failed" in rules.always_lists:
            answer.FailedSOPSequence = Sequence(self.failed)
        if self.stored or "referenced" in rules.always_lists:
            answer.ReferencedSOPSequence = Sequence(self.stored)
        headers = {}
        refused = self.failed or self.unnamed
        if refused and self.stored and rules.warning_header:
            headers["Warning"] = f'299 {self.request.base} "{self.first_error}"'
        return WebReply.dicom_json(self._status(), as_json(answer), headers)

    def _status(self) -> int:
        rules = self.rules
        if self.any_wrong_study and rules.wrong_study.status is not None:
            return rules.wrong_study.status
        if self.failed or self.unnamed:
            return rules.partial if self.stored else rules.failed
        return 200 if self.stored else rules.nothing

    def _is_object(self, part: Part) -> bool:
        written = str(part.headers.get("Content-Type", "")).strip()
        if self.rules.part_type == "exact":
            return written == DICOM
        if self.rules.part_type == "with-parameters":
            return written.partition(";")[0].rstrip() == DICOM
        return media_type(written).name == DICOM

    def _check(self, dataset: Dataset, syntax: str) -> tuple[Failure, str] | None:
        study = str(dataset.get("StudyInstanceUID") or "")
        if self.study is not None and study and study != self.study:
            self.wrong_study = self.any_wrong_study = True
            failure = Failure(status=self.rules.wrong_study.reason)
            return failure, f"it is of study {study}, not of {self.study}"
        if not self.rules.accepted_only:
            return None
        sop_class = str(dataset.SOPClassUID)
        if self.policy.service_of(sop_class) != "store":
            return _CLASS_REFUSED, f"SOP class {sop_class} is not accepted"
        if self.policy.answer(sop_class, (syntax,)).result != ACCEPTED:
            return _SYNTAX_REFUSED, f"transfer syntax {syntax} is not accepted"
        return None

    def _fail(self, receipt: Receipt) -> None:
        self.first_error = self.first_error or receipt.why.replace('"', "'")
        dataset = receipt.dataset
        if dataset is None or not dataset.get("SOPClassUID") or not dataset.get("SOPInstanceUID"):
            self.unnamed += 1
            return
        item = _reference(dataset)
        status = 0xC000 if receipt.failure is None else receipt.failure.status
        general = self.rules.refusal_reason
        item.FailureReason = status if general is None or self.wrong_study else general
        self.failed.append(item)


def _reference(dataset: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = dataset.SOPClassUID
    item.ReferencedSOPInstanceUID = dataset.SOPInstanceUID
    return item


def _apart(content: bytes) -> tuple[str, bytes]:
    """Transfer syntax, and the encoded dataset, of a Part-10 file; its preamble may be missing."""
    start = _PREFIXED if content[128:_PREFIXED] == b"DICM" else 0
    head = BytesIO(content[start:])
    try:
        # only this: what is wrong with the dataset is the receiver's to say
        meta = read_dataset(head, False, True, stop_when=_is_of_dataset)
        syntax, length = meta.get("TransferSyntaxUID"), meta.get("FileMetaInformationGroupLength")
    except UNREADABLE as error:
        raise _NoFileError(f"no DICOM file: {error}") from error
    if syntax is None or length is None:
        raise _NoFileError("file meta information without transfer syntax or group length")
    return str(syntax), content[start + _GROUP_LENGTH + int(length) :]


def _is_of_dataset(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    return tag.group != _FILE_META
