"""A process of a burst: runs its share of the streams, and hears when to begin and to stop."""

from __future__ import annotations

import signal
import threading
import time
import traceback
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection

from dicom.errors import UsageError
from modalities.burst.sender import BurstSender

#: What a worker is told.
GO, STOP = b"go", b"stop"


@dataclass(frozen=True)
class StreamResult:
    """What became of stream ``number``.

    Attributes:
        report: an ``AssociationReport`` as JSON.
        responses: seconds from first byte to response of each object that was answered.
        began: when its association was requested, in seconds of a clock of all processes.
        ended: when it had ended.
    """

    number: int
    report: str
    responses: array[float]
    began: float
    ended: float


def work(
    pipes: Sequence[tuple[Connection, Connection]],
    worker: int,
    senders: Sequence[BurstSender],
    workers: int,
) -> None:
    """Run every ``workers``-th sender from ``worker`` on; results go into the worker's pipe.

    Args:
        pipes: of all workers, the parent's end first. Those of others are closed, so that the
            end of the parent is heard.
    """
    # a terminal sends Ctrl-C to all its processes; what it means is for the parent to say
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    parent = pipes[worker][1]
    for number, (theirs, others) in enumerate(pipes):
        theirs.close()
        if number != worker:
            others.close()
    mine = range(worker, len(senders), workers)
    orders = _Orders(parent, [senders[number] for number in mine])
    if not orders.begin():
        return
    with suppress(BrokenPipeError):  # the parent is gone
        for number in mine:
            if orders.stopped:
                return
            began = time.monotonic()
            try:
                report = senders[number].run().model_dump_json()
            except UsageError as error:
                parent.send(error)
                return
            except Exception:  # noqa: BLE001  raised again by the parent
                parent.send(RuntimeError(traceback.format_exc()))
                return
            responses = senders[number].responses
            parent.send(StreamResult(number, report, responses, began, time.monotonic()))


class _Orders:
    """Hears the parent in a thread: the first ``STOP`` stops, a second or its end cuts off."""

    def __init__(self, parent: Connection, senders: Sequence[BurstSender]) -> None:
        self._parent = parent
        self._senders = senders
        self.stopped = False

    def begin(self) -> bool:
        """Wait for ``GO``; whether it came."""
        if self._next() != GO:
            return False
        threading.Thread(target=self._listen, name="orders", daemon=True).start()
        return True

    def _listen(self) -> None:
        while True:
            order = self._next()
            cut = self.stopped or order is None
            self.stopped = True
            for sender in self._senders:
                sender.cut() if cut else sender.stop()
            if order is None:
                return

    def _next(self) -> bytes | None:
        try:
            return self._parent.recv_bytes()
        except (EOFError, OSError):
            return None
