"""STOW-RS user agent (PS3.18 10.5): Part-10 files to an origin server, each as it is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from os import SEEK_END
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydicom import Dataset

from dicom.association.ends import Timeouts
from dicom.datasets.part10 import Part10File, inspect
from dicom.dimse.storing import object_report
from dicom.ladder import (
    CARRIED_OUT,
    ObjectReport,
    Rung,
    Signature,
    StoppedError,
    first_stopped,
)
from dicom.tracing.trace import AssociationTrace
from dicom.web.answer import WebAnswer
from dicom.web.call import HttpCall
from dicom.web.dicom_json import datasets
from dicom.web.multipart import Writing
from dicom.web.target import WebTarget
from modalities.commands import Command, Report
from modalities.misbehaviour.alteration import AnyAlteration, alter_file
from modalities.nodes.service import OwnNode, service

_BLOCK: Final = 1 << 16
_SHOWN: Final = 80
_NOT_MENTIONED: Final = "the response does not mention it"


class Stow(Command):
    """STOW-RS of Part-10 files as they are stored, each a part of type ``application/dicom``.

    ``study_instance_uid`` goes into the path: the server takes objects of that study only.
    ``per_request`` is how many files one request carries, None all of them. ``part_type`` is the
    parts' Content-Type, in which ``{transfer_syntax}`` is replaced by each file's UID. With
    ``chunked`` the request does not say how long it is (RFC 9112 7.1). ``alterations`` are done to
    every object on its way out.
    """

    kind: Literal["stow"] = "stow"
    target: WebTarget
    timeouts: Timeouts = Timeouts()
    files: tuple[str, ...]
    study_instance_uid: str | None = None
    per_request: int | None = Field(None, ge=1)
    part_type: str = "application/dicom"
    chunked: bool = False
    alterations: tuple[AnyAlteration, ...] = ()


def _patience(command: Stow) -> float:
    times = command.timeouts
    requests = -(-len(command.files) // (command.per_request or max(len(command.files), 1)))
    return requests * (2 * times.connect + times.dimse) + len(command.files) * times.network


@service(Stow, patience=_patience)
def _stow(command: Stow, here: OwnNode) -> Report:
    return stow(command, here.exchange, here.name)


def stow(command: Stow, exchange: Path, observer: str) -> Report:
    """Send Part-10 files and judge each by the response's Failed and Referenced SOP Sequences.

    A connection that fails ends the sending; objects that were not sent then carry its signature.
    A status other than 2xx is the report's signature and that of the objects of its request which
    the response says nothing about. After a 2xx an object that the response does not mention is
    reported without a signature: whether it is there only the archive can say.

    Raises:
        UsageError: a file can't be sent at all, or altered so; nothing was sent then.
    """
    files = [
        (name, alter_file(inspect(exchange / name), command.alterations)) for name in command.files
    ]
    size = command.per_request or max(len(files), 1)
    reports: list[ObjectReport] = []
    traces: list[AssociationTrace] = []
    stopped: StoppedError | None = None
    refused: StoppedError | None = None
    comments: list[str] = []
    for first in range(0, len(files), size):
        batch = files[first : first + size]
        if stopped is not None:
            reports += [object_report(*each, stopped) for each in batch]
            continue
        request = HttpCall(command.target, command.timeouts, exchange, observer)
        try:
            with request:
                response = _Response(request, command, [file for _, file in batch])
        except StoppedError as error:
            stopped = error
            reports += [object_report(*each, error) for each in batch]
        else:
            reports += [response.judge(*each) for each in batch]
            refused = refused or response.refused
            comments.append(response.comment)
        traces.append(request.trace())
    why = refused or stopped or first_stopped(reports)
    return Report(
        outcome=why.outcome if why else CARRIED_OUT,
        comment=why.comment if why else "; ".join(filter(None, comments)),
        objects=tuple(reports),
        traces=tuple(traces),
    )


class _Response:
    """One request and what its response (PS3.18 table I.2-1) says of each object.

    Attributes:
        refused: the status, where it is no success.
        comment: a Warning of the server, or that the response can't be read.
    """

    def __init__(self, request: HttpCall, command: Stow, files: Sequence[Part10File]) -> None:
        message = _Message(command.part_type, files)
        path = "/studies" + (f"/{command.study_instance_uid}" if command.study_instance_uid else "")
        answer = request.request(
            "POST",
            path,
            {
                "Content-Type": message.content_type,
                "Accept": "application/dicom+json",
            },
            message.blocks(),
            None if command.chunked else message.length,
        )
        body = answer.text()
        self._verdicts = _Verdicts()
        words = self._read(answer, body)
        mentioned = self._verdicts.mentioned & {each.sop_instance_uid for each in files}
        if words is not None and len(mentioned) < len(files):
            told = f"the response mentions {len(mentioned)} of {len(files)} instances"
            words = "; ".join(filter(None, (words, told)))
        self.comment = words or ""
        self.refused = None
        if not answer.succeeded:
            self.refused = answer.refused(body if words is None else self.comment.encode())

    def judge(self, name: str, file: Part10File) -> ObjectReport:
        """What became of one object."""
        uid = file.sop_instance_uid
        verdicts = self._verdicts
        if uid in verdicts.failed:
            reason = verdicts.failed[uid]
            words = f"Failure Reason 0x{reason:04X}"
            failed = StoppedError(Rung.DIMSE, Signature.status(reason), words)
            return object_report(name, file, failed)
        if uid in verdicts.stored:
            return object_report(name, file, None, verdicts.stored[uid])
        if verdicts.anonymous:
            words = "a part that the server could not tell apart failed"
            failed = StoppedError(Rung.DIMSE, Signature.status(verdicts.anonymous[0]), words)
            return object_report(name, file, failed)
        return object_report(name, file, self.refused, _NOT_MENTIONED)

    def _read(self, answer: WebAnswer, body: bytes) -> str | None:
        """Take up what the response says of each object; a Warning, None where it says nothing."""
        try:
            for each in datasets(body) if body else ():
                self._verdicts.add(each)
        except (StoppedError, AttributeError, TypeError, ValueError) as error:
            # the latter: its sequences and reasons are something else than the standard has it
            if answer.succeeded:
                raise _unreadable(body, error) from error
        known = self._verdicts.mentioned or self._verdicts.anonymous
        return answer.header("Warning") if answer.succeeded or known else None


def _unreadable(body: bytes, error: Exception) -> StoppedError:
    """The error that a success is whose response nobody can read."""
    if isinstance(error, StoppedError):
        return error
    words = (
        "expected a Store Instances Response (PS3.18 table I.2-1), saw"
        f" {body[:_SHOWN]!r} ({type(error).__name__}: {error})"
    )
    return StoppedError(Rung.DIMSE, Signature(kind="not-dicom"), words)


@dataclass
class _Verdicts:
    """SOP Instance UIDs with their Warning in words, and with their Failure Reason (0008,1197)."""

    stored: dict[str, str] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    #: Failure Reasons of parts that the server found no instance in (0008,119A).
    anonymous: list[int] = field(default_factory=list)

    @property
    def mentioned(self) -> set[str]:
        """SOP Instance UIDs that a response says anything of."""
        return {*self.stored, *self.failed}

    def add(self, response: Dataset) -> None:
        """Read one response."""
        for item in response.get("ReferencedSOPSequence") or ():
            warning = item.get("WarningReason")
            words = "" if warning is None else f"warning 0x{int(warning):04X}"
            self.stored[str(item.get("ReferencedSOPInstanceUID", ""))] = words
        for item in response.get("FailedSOPSequence") or ():
            uid = str(item.get("ReferencedSOPInstanceUID", ""))
            self.failed[uid] = _reason(item)
        self.anonymous += [_reason(each) for each in response.get("OtherFailuresSequence") or ()]


def _reason(item: Dataset) -> int:
    """Failure Reason; 0x0110 "processing failure" where the server gives none (PS3.7 C.5.14)."""
    reason = item.get("FailureReason")
    return 0x0110 if reason is None else int(reason)


class _Message:
    """A multipart/related message of files (RFC 2387), read from disk as it is sent."""

    def __init__(self, part_type: str, files: Sequence[Part10File]) -> None:
        writing = Writing()
        self.content_type, self._end = writing.content_type, writing.end
        self._parts = [
            (writing.part(part_type.replace("{transfer_syntax}", each.transfer_syntax_uid)), each)
            for each in files
        ]

    @property
    def length(self) -> int:
        """Bytes of all of it."""
        parts = (len(before) + _size(file) + len(behind) for (before, behind), file in self._parts)
        return sum(parts) + len(self._end)

    def blocks(self) -> Iterator[bytes]:
        """Its bytes, a block at a time."""
        for (before, behind), file in self._parts:
            yield before
            with file.path.open("rb") as whole:
                yield whole.read(file.offset)
            with file.open_dataset() as dataset:
                while block := dataset.read(_BLOCK):
                    yield block
            yield behind
        yield self._end


def _size(file: Part10File) -> int:
    """Bytes of the file, its dataset as it is sent."""
    with file.open_dataset() as dataset:
        return file.offset - dataset.tell() + dataset.seek(0, SEEK_END)
