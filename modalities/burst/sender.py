"""One association of a burst: its objects, one after another, each answered before the next."""

from __future__ import annotations

import ssl
import time
from array import array
from collections import Counter
from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass
from typing import Final

from pydicom.uid import DeflatedExplicitVRLittleEndian

from dicom.association.ends import Caller, Target
from dicom.dimse.storing import object_report
from dicom.errors import UsageError
from dicom.ladder import CARRIED_OUT, ObjectReport, StoppedError
from modalities.burst.association import BurstAssociation
from modalities.burst.messages import Fragmenter, Piece, store_command
from modalities.burst.objects import DatasetReader, StorageObject, Stream
from modalities.burst.report import AssociationReport

_MAX_MESSAGE_ID: Final = 0xFFFF
_FAILURES_KEPT: Final = 20
_OBSERVER: Final = "burst"


@dataclass(frozen=True, slots=True)
class _Prepared:
    item: StorageObject
    context_id: int
    message_id: int
    size: int
    reader: DatasetReader
    first: list[Piece]
    rest: Iterator[list[Piece]]

    def batches(self) -> Iterator[list[Piece]]:
        yield self.first
        yield from self.rest


class BurstSender:
    """Sends one stream on one association, in the calling thread.

    Args:
        target: where to.
        caller: as whom.
        stream: what.
        tls: context to connect with where the target speaks TLS.
        eager: see ``BurstLink``.
        done: where to count the objects that have an outcome, for whoever watches.

    Attributes:
        responses: seconds from first byte to response of each object that was answered.

    Raises:
        UsageError: the stream needs no or more than 128 contexts.
    """

    def __init__(
        self,
        target: Target,
        caller: Caller,
        stream: Stream,
        tls: ssl.SSLContext | None,
        eager: float = 0.0,
        done: MutableSequence[int] | memoryview | None = None,
    ) -> None:
        self._stream = stream
        self._objects = iter(stream.objects)
        self._eager = eager
        proposed = [(abstract, (syntax,)) for abstract, syntax in stream.contexts]
        self._association = BurstAssociation(target, caller, proposed, tls, _OBSERVER)
        self._contexts = {context: 2 * index + 1 for index, context in enumerate(stream.contexts)}
        self._message_id = 0
        self._failures: list[ObjectReport] = []
        self._making = self._waiting = 0.0
        self._told_to_stop = False
        self._was_cut = False
        self._outcomes: Counter[str] = Counter()
        self._bytes = 0
        self._done: MutableSequence[int] | memoryview = [0] if done is None else done
        self.responses = array("d")

    def stop(self) -> None:
        """Send nothing after the present object; from any thread."""
        self._told_to_stop = True

    def cut(self) -> None:
        """End the connection at once; from any thread."""
        self._told_to_stop = self._was_cut = True
        self._association.cut()

    def run(self) -> AssociationReport:
        """Send everything.

        Raises:
            UsageError: an object can't be sent as it is; the association was ended.
        """
        began = time.perf_counter()
        ended: StoppedError | None = None
        try:
            ended = self._send_all(self._association.open_for_burst(self._eager))
            self._association.release()
        except StoppedError as stopped:
            ended = stopped
        finally:
            self._association.abort()  # does nothing where it ended already
        if self._was_cut:
            ended = None  # by us: nothing that the peer did
        if ended is not None:
            unsent = self._stream.count - self._done[0]
            self._outcomes[str(ended.signature)] += max(unsent, 0)
        return AssociationReport(
            outcome=ended.outcome if ended else CARRIED_OUT,
            comment=ended.comment if ended else "",
            planned=self._stream.count,
            outcomes={outcome: count for outcome, count in self._outcomes.items() if count},
            failures=tuple(self._failures),
            bytes=self._bytes,
            seconds=time.perf_counter() - began,
            making=self._making,
            waiting=self._waiting,
        )

    def _send_all(self, fragmenter: Fragmenter) -> StoppedError | None:
        """Send until the end of the stream; returns what ended the association before it."""
        upcoming = self._prepare(fragmenter)
        try:
            while upcoming is not None and not self._told_to_stop:
                current, upcoming = upcoming, None
                began = time.perf_counter()
                try:
                    self._association.deliver(current.batches())
                    current.reader.close()
                    if not self._association.broken:
                        upcoming = self._prepare(fragmenter)  # while the peer is at work
                    status = self._await_answer(current)
                except StoppedError as stopped:
                    if not self._was_cut:
                        self._fail(current.item, stopped)
                    if stopped.signature.kind != "status":
                        return stopped
                else:
                    self._outcomes[f"0x{status:04X}"] += 1
                    self._done[0] += 1
                finally:
                    current.reader.close()
                self._bytes += current.size
                self.responses.append(time.perf_counter() - began)
                if self._association.broken:
                    return self._association.ending()
        finally:
            if upcoming is not None:
                upcoming.reader.close()
        return None

    def _await_answer(self, current: _Prepared) -> int:
        began = time.perf_counter()
        try:
            return self._association.answer(current.context_id, current.message_id)
        finally:
            self._waiting += time.perf_counter() - began

    def _prepare(self, fragmenter: Fragmenter) -> _Prepared | None:
        """The next object whose context was accepted, begun to be read; None: there is none."""
        began = time.perf_counter()
        try:
            for item in self._objects:
                try:
                    context_id = self._accepted(item)
                except StoppedError as refused:
                    self._fail(item, refused)
                else:
                    return self._begun(item, context_id, fragmenter)
            return None
        finally:
            self._making += time.perf_counter() - began

    def _accepted(self, item: StorageObject) -> int:
        context_id = self._contexts.get(item.context)
        if context_id is None:
            raise UsageError(
                f"{item.name} can't be sent: expected an object in one of the"
                f" {len(self._contexts)} contexts that its stream names, saw {item.context}"
            )
        self._association.require(context_id)
        return context_id

    def _begun(self, item: StorageObject, context_id: int, fragmenter: Fragmenter) -> _Prepared:
        self._message_id = self._message_id % _MAX_MESSAGE_ID + 1
        command = store_command(self._message_id, item.sop_class_uid, item.sop_instance_uid)
        reader = DatasetReader(item)
        size = reader.left
        deflated = item.transfer_syntax_uid == DeflatedExplicitVRLittleEndian
        batches = fragmenter.message(context_id, command, reader, pad=deflated)
        try:
            first = next(batches)
        except UsageError:
            reader.close()
            raise
        return _Prepared(item, context_id, self._message_id, size, reader, first, batches)

    def _fail(self, item: StorageObject, stopped: StoppedError) -> None:
        signature = stopped.signature
        self._outcomes[signature.code if signature.kind == "status" else str(signature)] += 1
        self._done[0] += 1
        if len(self._failures) == _FAILURES_KEPT:
            return
        self._failures.append(object_report(item.name, item, stopped))
