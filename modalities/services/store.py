"""Storage SCU (PS3.4 annex B)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

from modalities.association import MAX_CONTEXTS, Association
from modalities.commands import Caller, Command, ObjectReport, Report, Target
from modalities.ladder import Rung
from modalities.link import StoppedError
from modalities.part10 import Part10File, inspect
from modalities.scu import check_status, store_request, tls_of
from modalities.service import Here, exchange_seconds, service
from modalities.trace import AssociationTrace

_MAX_MESSAGE_ID: Final = 0xFFFF


class Store(Command):
    """C-STORE of Part-10 files, each in the transfer syntax it is stored in, never transcoded.

    One presentation context is proposed per distinct (SOP class, transfer syntax) of the files.
    """

    kind: Literal["store"] = "store"
    target: Target
    caller: Caller
    files: tuple[str, ...]


@service(Store, patience=lambda command: exchange_seconds(command.caller, len(command.files)))
def _store(command: Store, here: Here) -> Report:
    return store(command, here.exchange, here.name)


def store(
    command: Store,
    exchange: Path,
    observer: str,
    progress: Callable[[ObjectReport], None] | None = None,
) -> Report:
    """Send Part-10 files, each exactly as it is stored.

    Presentation contexts are the distinct (SOP class, transfer syntax) of the files, on as many
    associations, one after another, as 128 contexts each make necessary. The first association
    that fails ends the sending; objects that were not sent then carry its signature. A refused
    context or a failure status concerns that object only. ``progress`` is told of each object
    as soon as it was sent or refused.

    Raises:
        ModalityError: a file can't be sent at all; nothing was sent then.
    """
    files = [(name, inspect(exchange / name)) for name in command.files]
    tls = tls_of(command.target, exchange)
    reports: dict[int, ObjectReport] = {}
    traces: list[AssociationTrace] = []
    stopped: StoppedError | None = None
    for contexts, members in _associations([file for _, file in files]):
        if stopped is None:
            association = Association(command.target, command.caller, contexts, tls, observer)
            numbers = {
                (abstract, syntax): 2 * index + 1
                for index, (abstract, (syntax,)) in enumerate(contexts)
            }
            sending = _StoreSession(association, numbers, progress)
            stopped = sending.run([(index, *files[index]) for index in members])
            reports.update(sending.reports)
            traces.append(association.trace())
        for index in members:
            if stopped is not None and index not in reports:
                reports[index] = _object(*files[index], stopped)
    objects = tuple(reports[index] for index in range(len(files)))
    first = next((report for report in objects if report.signature is not None), None)
    return Report(
        rung=first.rung if first else Rung.DIMSE,
        signature=first.signature if first else None,
        comment=first.comment if first else "",
        objects=objects,
        traces=tuple(traces),
    )


class _StoreSession:
    """C-STORE of some files on one association; ``reports`` by index of the file."""

    def __init__(
        self,
        association: Association,
        contexts: dict[tuple[str, str], int],
        progress: Callable[[ObjectReport], None] | None,
    ) -> None:
        self._association = association
        self._progress = progress
        self._contexts = contexts
        self._message_id = 0
        self.reports: dict[int, ObjectReport] = {}

    def run(self, files: Sequence[tuple[int, str, Part10File]]) -> StoppedError | None:
        """Send them in order; returns what ended the association before its time."""
        try:
            self._association.open()
            return self._send_all(files)
        except StoppedError as stopped:
            return stopped
        finally:
            self._association.release()

    def _send_all(self, files: Sequence[tuple[int, str, Part10File]]) -> StoppedError | None:
        for index, name, file in files:
            stopped: StoppedError | None = None
            comment = ""
            try:
                comment = self._send(file)
            except StoppedError as reason:
                stopped = reason
            self.reports[index] = _object(name, file, stopped, comment)
            if self._progress is not None:
                self._progress(self.reports[index])
            if stopped is not None and stopped.signature.kind not in ("context", "status"):
                return stopped
        return None

    def _send(self, file: Part10File) -> str:
        context = self._contexts[file.sop_class_uid, file.transfer_syntax_uid]
        self._association.require(context)
        self._message_id = self._message_id % _MAX_MESSAGE_ID + 1
        message = store_request(self._message_id, file.sop_class_uid, file.sop_instance_uid)
        with file.path.open("rb") as dataset:
            dataset.seek(file.offset)
            self._association.send(message, context, dataset)
        return check_status(self._association.receive())


def _associations(
    files: Sequence[Part10File],
) -> Iterator[tuple[list[tuple[str, tuple[str]]], list[int]]]:
    """Contexts and file indices of each association needed, in order of first appearance."""
    members: dict[tuple[str, tuple[str]], list[int]] = {}
    for index, file in enumerate(files):
        members.setdefault((file.sop_class_uid, (file.transfer_syntax_uid,)), []).append(index)
    contexts = list(members)
    for start in range(0, len(contexts), MAX_CONTEXTS):
        chunk = contexts[start : start + MAX_CONTEXTS]
        yield chunk, sorted(index for context in chunk for index in members[context])


def _object(
    name: str, file: Part10File, stopped: StoppedError | None, comment: str = ""
) -> ObjectReport:
    return ObjectReport(
        file=name,
        sop_class_uid=file.sop_class_uid,
        sop_instance_uid=file.sop_instance_uid,
        transfer_syntax_uid=file.transfer_syntax_uid,
        rung=stopped.rung if stopped else Rung.DIMSE,
        signature=stopped.signature if stopped else None,
        comment=stopped.comment if stopped else comment,
    )
