"""Storage SCU (PS3.4 annex B)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Literal

from pydantic import Field
from pydicom.uid import UID

from dicom.association.ends import Caller, Target
from dicom.association.requestor import Association
from dicom.datasets.part10 import inspect
from dicom.dimse.scu import tls_of
from dicom.dimse.storing import Contexts, Progress, Share, Storing, send_as_made
from dicom.errors import UsageError
from dicom.frozen import Frozen
from dicom.ladder import CARRIED_OUT, ObjectReport, first_stopped
from modalities.commands import Command, Report
from modalities.misbehaviour.act import AnyAct
from modalities.misbehaviour.alteration import AnyAlteration, alter_file
from modalities.misbehaviour.link import MisbehavingAssociation
from modalities.nodes.service import OwnNode, association_seconds, service


class ProposedContext(Frozen):
    """A presentation context as proposed."""

    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...] = Field(min_length=1)

    def __str__(self) -> str:
        syntaxes = " or ".join(UID(each).name for each in self.transfer_syntaxes)
        return f"{UID(self.abstract_syntax).name} in {syntaxes}"


class Store(Command):
    """C-STORE of Part-10 files, each in the transfer syntax it is stored in, never transcoded.

    Presentation contexts follow from the files: one for each distinct (SOP class, transfer
    syntax), or, without ``one_context_per_syntax``, one for each SOP class with all its
    transfer syntaxes, of which the acceptor takes one. ``contexts`` are proposed instead, exactly
    as they are. The files are dealt out to ``associations`` associations at the same time.
    ``alterations`` are done to every object on its way out, ``misbehave`` on every association.
    """

    kind: Literal["store"] = "store"
    target: Target
    caller: Caller
    files: tuple[str, ...]
    one_context_per_syntax: bool = True
    contexts: tuple[ProposedContext, ...] | None = None
    associations: int = Field(default=1, ge=1, le=64)
    alterations: tuple[AnyAlteration, ...] = ()
    misbehave: AnyAct | None = None


def _patience(command: Store) -> float:
    more = 0.0 if command.misbehave is None else command.misbehave.lasts
    return association_seconds(command.caller, len(command.files)) + more


@service(Store, patience=_patience)
def _store(command: Store, here: OwnNode) -> Report:
    return store(command, here.exchange, here.name)


def store(
    command: Store,
    exchange: Path,
    observer: str,
    progress: Callable[[ObjectReport], None] | None = None,
) -> Report:
    """Send Part-10 files, each exactly as it is stored, or as altered.

    Where more than 128 presentation contexts follow from the files, they are sent on one
    association after another. The first association that fails ends the sending (of several at
    the same time: its share of the files); objects that were not sent then carry its signature. A
    refused context or a failure status concerns that object only. ``progress`` is told of each
    object as soon as it was sent or refused, by one thread at a time.

    Raises:
        UsageError: a file can't be sent at all, or altered so, or the association can't be
            proposed as written: nothing was sent then; or a misbehaviour did not come about.
    """
    files = [
        (name, alter_file(inspect(exchange / name), command.alterations)) for name in command.files
    ]
    associations = _Associations(command, exchange, observer)
    storing = Storing(
        files,
        associations.make,
        _proposed(command.contexts),
        command.one_context_per_syntax,
        _in_turn(progress),
    )
    lanes = min(command.associations, len(files)) or 1
    with associations.at_work():
        sent = _share_out(storing, len(files), lanes)
    return associations.report(sent)


def store_as_made(
    command: Store,
    files: Iterable[Path],
    exchange: Path,
    observer: str,
    progress: Callable[[ObjectReport], None] | None = None,
) -> Report:
    """As ``store``, on one association that proposes the command's ``contexts``, with each file
    sent as soon as ``files`` yields it; the command's own files are left alone.

    Raises:
        UsageError: as ``store``; what came before a file that can't be sent was sent.
    """
    contexts = _proposed(command.contexts)
    if contexts is None:
        raise UsageError("files that are not made yet need the contexts to propose for them")
    associations = _Associations(command, exchange, observer)
    altered = ((path.name, alter_file(inspect(path), command.alterations)) for path in files)
    with associations.at_work():
        sent = send_as_made(associations.make(contexts), altered, progress)
    return associations.report([sent])


def _proposed(contexts: tuple[ProposedContext, ...] | None) -> Contexts | None:
    if contexts is None:
        return None
    return [(each.abstract_syntax, each.transfer_syntaxes) for each in contexts]


class _Associations:
    """The associations of one command, and what became of what they sent."""

    def __init__(self, command: Store, exchange: Path, observer: str) -> None:
        self._command, self._observer = command, observer
        self._tls = tls_of(command.target, exchange)
        self._misbehaving: list[MisbehavingAssociation] = []

    def make(self, contexts: Contexts) -> Association:
        """One that proposes ``contexts``, not open yet."""
        command = self._command
        arguments = (command.target, command.caller, contexts, self._tls, self._observer)
        if command.misbehave is None:
            return Association(*arguments)
        self._misbehaving.append(MisbehavingAssociation(command.misbehave, *arguments))
        return self._misbehaving[-1]

    def at_work(self) -> AbstractContextManager[None]:
        """What the misbehaviour wants to go on beside the associations."""
        act = self._command.misbehave
        if act is None:
            return nullcontext()
        return act.beside(self._command.target, self._command.caller)

    def report(self, sent: Sequence[Share]) -> Report:
        """All shares in one.

        Raises:
            UsageError: everything was sent, but the misbehaviour did not come about.
        """
        reports = {index: report for share in sent for index, report in share.reports.items()}
        objects = tuple(reports[index] for index in sorted(reports))
        first = first_stopped(objects)
        for association in self._misbehaving if first is None else ():
            association.require_happened()
        return Report(
            outcome=first.outcome if first else CARRIED_OUT,
            comment=first.comment if first else "",
            objects=objects,
            traces=tuple(trace for share in sent for trace in share.traces),
            negotiated=tuple(each for share in sent for each in share.negotiated),
        )


def _share_out(storing: Storing, files: int, lanes: int) -> list[Share]:
    """Deal the files out like cards; a single share stays in this thread, where Ctrl-C ends it at
    once."""
    shares = [range(first, files, lanes) for first in range(lanes)]
    if lanes == 1:
        return [storing.send(shares[0])]
    with ThreadPoolExecutor(lanes) as pool:
        try:
            return list(pool.map(storing.send, shares))
        finally:
            storing.halted.set()  # Ctrl-C, or what one share can't do, ends the others too


def _in_turn(progress: Progress | None) -> Progress | None:
    """``progress``, never called by two threads at once."""
    if progress is None:
        return None
    lock = Lock()

    def tell(report: ObjectReport) -> None:
        with lock:
            progress(report)

    return tell
