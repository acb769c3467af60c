"""Many associations at the same time, watched and stopped from one place.

Each runs in a process of its own: with threads, four associations of small objects were slower
than four processes by a third, and simulated studies could be made on one core only.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import ssl
import statistics
import time
from array import array
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Final

from dicom.association.ends import Caller, Target
from dicom.errors import UsageError
from modalities.burst.objects import Stream
from modalities.burst.report import AssociationReport, BurstReport, ResponseTimes
from modalities.burst.sender import BurstSender
from modalities.burst.worker import GO, STOP, StreamResult, work

#: How often a watcher is told, in seconds.
_WATCH: Final = 0.1
#: For how long to look out for a response where there are cores enough, in seconds.
_EAGER: Final = 0.0005
_COUNTER_SIZE: Final = 8


@dataclass(frozen=True)
class BurstProgress:
    """How far a burst is.

    Attributes:
        objects: that have an outcome, whatever it is.
        planned: objects in all.
        seconds: since it began.
    """

    objects: int
    planned: int
    seconds: float

    @property
    def objects_per_second(self) -> float:
        """On average so far."""
        return self.objects / self.seconds if self.seconds else 0.0


class Burst:
    """Streams to be sent, ``associations`` of them at the same time; runs once.

    It forks. A process that holds connections of its own should know that they stay open in the
    workers until the burst is over.

    Args:
        target: where to.
        caller: as whom; its timeouts hold for each association.
        streams: each on an association of its own.
        tls: context to connect with where the target speaks TLS.
        associations: how many at the same time.

    Raises:
        UsageError: nothing to send, a stream with no or more than 128 contexts, or a system
            that can't fork.
    """

    def __init__(
        self,
        target: Target,
        caller: Caller,
        streams: Sequence[Stream],
        *,
        tls: ssl.SSLContext | None = None,
        associations: int = 1,
    ) -> None:
        if not streams or associations < 1:
            raise UsageError(
                f"expected at least one stream and one association, saw {len(streams)} streams"
                f" and {associations} associations"
            )
        if "fork" not in multiprocessing.get_all_start_methods():
            raise UsageError(
                "a burst needs a system that forks, such as Linux or macOS; send with several"
                " associations instead (send --associations)"
            )
        self._workers = min(associations, len(streams))
        # one that looks out keeps a core busy: only where the peer has another one
        eager = _EAGER if 2 * self._workers <= _cores() else 0.0
        self._counters = memoryview(mmap.mmap(-1, len(streams) * _COUNTER_SIZE)).cast("Q")
        self._senders = [
            BurstSender(target, caller, stream, tls, eager, self._counters[number : number + 1])
            for number, stream in enumerate(streams)
        ]
        self._planned = sum(stream.count for stream in streams)
        self._ours: list[Connection] = []
        self._stopped = False

    def stop(self) -> None:
        """Finish the objects that are on their way and release; a second call cuts them off.

        Safe to call from any thread and from a signal handler. ``run`` returns when each
        association has ended, within its timeouts.
        """
        self._stopped = True
        for connection in self._ours:
            with suppress(OSError):  # that worker is done
                connection.send_bytes(STOP)

    def run(self, watch: Callable[[BurstProgress], None] | None = None) -> BurstReport:
        """Send everything; ``watch`` is called every 0.1 s, and at the end.

        Raises:
            UsageError: an object can't be sent as it is, titles can't be used, or the process
                of an association was ended from outside.
        """
        began = time.monotonic()
        results: dict[int, StreamResult] = {}
        errors: list[Exception] = []
        fork = multiprocessing.get_context("fork")
        pipes = [fork.Pipe() for _ in range(self._workers)]
        processes = [
            fork.Process(
                target=work,
                args=(pipes, number, self._senders, self._workers),
                name=f"burst {number}",
                daemon=True,
            )
            for number in range(self._workers)
        ]
        try:
            for process in processes:
                process.start()
            for ours, theirs in pipes:
                theirs.close()
                # nobody connects before everybody is there: a later fork would hold its connection
                ours.send_bytes(GO)
            # an order before GO would end a worker that does not expect it
            self._ours = [ours for ours, _ in pipes]
            if self._stopped:
                self.stop()
            waiting = dict(zip(self._ours, processes, strict=True))
            while waiting:
                for connection in wait(list(waiting), _WATCH):
                    if isinstance(connection, Connection):
                        _take(connection, waiting, results, errors)
                if errors:
                    self.stop()
                if watch is not None:
                    watch(
                        BurstProgress(sum(self._counters), self._planned, time.monotonic() - began)
                    )
        finally:
            for connection, _ in pipes:
                connection.close()  # a worker that hears nobody cuts its association off
            for process in processes:
                if process.pid is not None:
                    process.join()
        if errors:
            raise errors[0]
        return self._report([results[number] for number in sorted(results)])

    def _report(self, in_order: Sequence[StreamResult]) -> BurstReport:
        seconds = 0.0
        if in_order:
            began, ended = (each.began for each in in_order), (each.ended for each in in_order)
            seconds = max(ended) - min(began)
        return BurstReport(
            associations=tuple(
                AssociationReport.model_validate_json(each.report) for each in in_order
            ),
            planned=self._planned,
            seconds=seconds,
            responses=_response_times([each.responses for each in in_order]),
            stopped=self._stopped,
        )


def _take(
    connection: Connection,
    waiting: dict[Connection, multiprocessing.context.ForkProcess],
    results: dict[int, StreamResult],
    errors: list[Exception],
) -> None:
    """Take one message of a worker; its last is the end of the pipe."""
    try:
        message = connection.recv()
    except (EOFError, OSError):
        process = waiting.pop(connection)
        process.join()
        if process.exitcode:
            errors.append(
                UsageError(
                    f"the process of an association ended with {process.exitcode} (a signal where"
                    " negative); see whether memory ran out"
                )
            )
        return
    if isinstance(message, StreamResult):
        results[message.number] = message
    else:
        errors.append(message)


def _response_times(each: Sequence[array[float]]) -> ResponseTimes | None:
    every = sorted(seconds for times in each for seconds in times)
    if not every:
        return None
    most = every[min(len(every) * 95 // 100, len(every) - 1)]
    return ResponseTimes(median=statistics.median(every), most=most, longest=every[-1])


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
