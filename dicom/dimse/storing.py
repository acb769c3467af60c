"""C-STORE of many files: presentation contexts that follow from them, and one share of them sent
on one association after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice, takewhile
from threading import Event
from typing import Final, Protocol

from dicom.association.negotiated import Negotiated
from dicom.association.requestor import MAX_CONTEXTS, Association
from dicom.datasets.part10 import Part10File
from dicom.dimse.scu import check_status, ended, store_request
from dicom.ladder import CARRIED_OUT, ObjectReport, StoppedError
from dicom.tracing.trace import AssociationTrace

_MAX_MESSAGE_ID: Final = 0xFFFF
#: Presentation contexts to propose: (abstract syntax, transfer syntaxes).
Contexts = Sequence[tuple[str, Sequence[str]]]
Progress = Callable[[ObjectReport], None]


@dataclass(frozen=True)
class Share:
    """What became of one share of the files; ``reports`` by index of the file."""

    reports: dict[int, ObjectReport] = field(default_factory=dict)
    traces: list[AssociationTrace] = field(default_factory=list)
    negotiated: list[Negotiated] = field(default_factory=list)


@dataclass(frozen=True)
class Storing:
    """Sends shares of ``files``; any number of threads may send one each.

    Attributes:
        files: (name, file) of all of them; what comes back is by index.
        associate: makes the association that proposes some contexts, not open yet.
        contexts: what every association proposes; None: what follows from the files.
        one_context_per_syntax: what follows is a context for each transfer syntax, else one for
            each SOP class.
        progress: told of each object.
        halted: once set, every share ends with the object that is on its way.
    """

    files: Sequence[tuple[str, Part10File]]
    associate: Callable[[Contexts], Association]
    contexts: Contexts | None
    one_context_per_syntax: bool
    progress: Progress | None
    halted: Event = field(default_factory=Event)

    def send(self, indices: Sequence[int]) -> Share:
        """Send the files at ``indices`` in order.

        Raises:
            UsageError: the association can't be proposed as written.
        """
        sent = Share()
        stopped: StoppedError | None = None
        for contexts, members in self._associations(indices):
            if stopped is None:
                association = self.associate(contexts)
                session = _Session(association, self.progress)
                unless_halted = takewhile(lambda _index: not self.halted.is_set(), members)
                stopped = session.run((index, *self.files[index]) for index in unless_halted)
                sent.reports.update(session.reports)
                sent.traces.append(association.trace())
                if association.negotiated is not None:
                    sent.negotiated.append(association.negotiated)
            for index in members:
                if stopped is not None and index not in sent.reports:
                    sent.reports[index] = object_report(*self.files[index], stopped)
        return sent

    def _associations(self, indices: Sequence[int]) -> Iterator[tuple[Contexts, Sequence[int]]]:
        """Contexts and file indices of each association needed, in order of first appearance."""
        if self.contexts is not None:
            yield self.contexts, indices
            return
        members: dict[tuple[str, ...], list[int]] = {}
        for index in indices:
            file = self.files[index][1]
            syntax = (file.transfer_syntax_uid,) if self.one_context_per_syntax else ()
            members.setdefault((file.sop_class_uid, *syntax), []).append(index)
        needed = list(members.values())
        for start in range(0, len(needed), MAX_CONTEXTS):
            chunk = needed[start : start + MAX_CONTEXTS]
            yield [self._context(each) for each in chunk], sorted(chain.from_iterable(chunk))

    def _context(self, indices: Sequence[int]) -> tuple[str, tuple[str, ...]]:
        """The context for files of one SOP class."""
        files = [self.files[index][1] for index in indices]
        syntaxes = dict.fromkeys(file.transfer_syntax_uid for file in files)
        return files[0].sop_class_uid, tuple(syntaxes)


def send_as_made(
    association: Association,
    files: Iterable[tuple[str, Part10File]],
    progress: Progress | None,
) -> Share:
    """Send (name, file) one by one on ``association``, each as soon as ``files`` yields it.

    Once the association has failed no more are asked for.
    """
    session = _Session(association, progress)
    stopped = session.run((index, name, file) for index, (name, file) in enumerate(files))
    sent = Share(session.reports, [association.trace()])
    if association.negotiated is not None:
        sent.negotiated.append(association.negotiated)
    if stopped is not None and not sent.reports:
        for name, file in islice(files, 1):
            sent.reports[0] = object_report(name, file, stopped)
    return sent


class _Session:
    """C-STORE of some files on one association; ``reports`` by index of the file."""

    def __init__(self, association: Association, progress: Progress | None) -> None:
        self._association = association
        self._progress = progress
        self._message_id = 0
        self.reports: dict[int, ObjectReport] = {}

    def run(self, files: Iterable[tuple[int, str, Part10File]]) -> StoppedError | None:
        """Send them in order; returns what ended the association before its time."""
        try:
            with ended(self._association):
                self._association.open()
                return self._send_all(files)
        except StoppedError as stopped:
            return stopped

    def _send_all(self, files: Iterable[tuple[int, str, Part10File]]) -> StoppedError | None:
        for index, name, file in files:
            stopped: StoppedError | None = None
            comment = ""
            try:
                comment = self._send(file)
            except StoppedError as reason:
                stopped = reason
            self.reports[index] = object_report(name, file, stopped, comment)
            if self._progress is not None:
                self._progress(self.reports[index])
            if stopped is not None and stopped.signature.kind not in ("context", "status"):
                return stopped
        return None

    def _send(self, file: Part10File) -> str:
        context = self._association.context_for(file.sop_class_uid, file.transfer_syntax_uid)
        self._message_id = self._message_id % _MAX_MESSAGE_ID + 1
        message = store_request(self._message_id, file.sop_class_uid, file.sop_instance_uid)
        with file.open_dataset() as dataset:
            self._association.send(message, context, dataset)
        return check_status(self._association.receive())


class Instance(Protocol):
    """What a report says of a composite instance besides its name."""

    @property
    def sop_class_uid(self) -> str:
        """SOP Class UID."""

    @property
    def sop_instance_uid(self) -> str:
        """SOP Instance UID."""

    @property
    def transfer_syntax_uid(self) -> str:
        """What it is encoded in."""


def object_report(
    name: str, instance: Instance, stopped: StoppedError | None, comment: str = ""
) -> ObjectReport:
    """What became of ``instance``: stored with a ``comment``, or ``stopped``, in its words."""
    return ObjectReport(
        file=name,
        sop_class_uid=instance.sop_class_uid,
        sop_instance_uid=instance.sop_instance_uid,
        transfer_syntax_uid=instance.transfer_syntax_uid,
        outcome=stopped.outcome if stopped else CARRIED_OUT,
        comment=stopped.comment if stopped else comment,
    )
