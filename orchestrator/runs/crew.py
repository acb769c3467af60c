"""Who runs the benches: threads of this process, or several processes with threads each.

Our own nodes live in the process that runs their bench, and Python lets one thread of a process
compute at a time: on two cores two processes are nearly twice as fast.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for_messages
from multiprocessing.context import ForkProcess
from typing import Final, Protocol

from orchestrator.machine.stopping import LONGEST_SLEEP, raise_if_told, unstoppable
from orchestrator.model.events import CellDone, Event, Note, OnEvent
from orchestrator.runs import remains
from orchestrator.runs.cell import Bench

#: How long interrupted benches get to tear down before nobody waits for them, in seconds.
TEARDOWN_SECONDS: Final = 30.0
#: How long a worker whose pipe is closed may take to exit, in seconds.
_EXIT_SECONDS: Final = 5.0


class Crew(Protocol):
    """Runs benches."""

    def work(self, benches: Sequence[Bench]) -> str:
        """Run all of them; what cut it short (a KeyboardInterrupt), empty when nothing did.

        Whatever happens, every lab that is not to be kept is removed, and the benches hold the
        results of all cells that were begun.
        """


def stopped_by(interrupt: KeyboardInterrupt) -> str:
    """What cut a run short, in words: the signal, where it is known."""
    return f"stopped by {str(interrupt) or 'the user'}"


class ThreadCrew:
    """Threads of this process.

    Args:
        threads: benches at the same time.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def work(self, benches: Sequence[Bench]) -> str:
        """See ``Crew``."""
        pool = ThreadPoolExecutor(max_workers=self._threads, thread_name_prefix="cell")
        futures: list[Future[None]] = []
        cut_short = ""
        try:
            with unstoppable() as noted:
                futures.extend(pool.submit(bench.run) for bench in benches)
            noted.raise_if_stopped()
            while not _all_done_or_one_failed(futures):
                raise_if_told()
        except KeyboardInterrupt as stop:
            cut_short = stopped_by(stop)
        finally:
            with unstoppable():
                pool.shutdown(wait=False, cancel_futures=True)
                if cut_short or not all(future.done() for future in futures):
                    for bench in benches:
                        bench.interrupt()
                    # A future that was cancelled before its turn never counts as done in wait.
                    at_work = [future for future in futures if not future.cancelled()]
                    wait(at_work, timeout=TEARDOWN_SECONDS)
        for future in futures:
            if future.done() and not future.cancelled():
                future.result()  # an error that is not a cell's own
        return cut_short


def _all_done_or_one_failed(futures: Sequence[Future[None]]) -> bool:
    """Sleep until something has changed, or a signal may have been missed."""
    done, waiting = wait(futures, timeout=LONGEST_SLEEP, return_when=FIRST_EXCEPTION)
    return not waiting or any(future.exception() is not None for future in done)


def can_fork() -> bool:
    """Whether processes can be forked safely here, with more than one core to use them."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1


class ForkCrew:
    """Forked processes that take benches from one queue.

    They end when their pipe does: when this process is killed they tear down by themselves.

    Args:
        processes: how many.
        threads: benches at the same time in each of them.
        tell: told what happens, in this process.
    """

    def __init__(self, processes: int, threads: int, tell: OnEvent) -> None:
        self._processes = processes
        self._threads = threads
        self._tell = tell
        self._benches: Sequence[Bench] = ()
        self._pipes: list[Connection] = []
        self._workers: list[ForkProcess] = []

    def work(self, benches: Sequence[Bench]) -> str:
        """See ``Crew``."""
        self._benches = benches
        cut_short = ""
        try:
            self._fork()
            self._hear_all()
        except KeyboardInterrupt as stop:
            cut_short = stopped_by(stop)
        finally:
            with unstoppable():
                self._end_workers()
        if not cut_short:
            self._explain_missing()
        return cut_short

    def _fork(self) -> None:
        """Start the workers, with all benches in their memory and the queue filled.

        A worker whose parent is killed must find the end of the queue, not wait for it.
        """
        context = multiprocessing.get_context("fork")
        tasks = context.SimpleQueue()
        for number in range(len(self._benches)):
            tasks.put(number)
        for _ in range(self._processes * self._threads):
            tasks.put(None)
        pipes = [context.Pipe() for _ in range(self._processes)]
        self._pipes = [ours for ours, _ in pipes]
        sys.stdout.flush()
        sys.stderr.flush()
        with unstoppable() as noted:  # nor may a signal meet a worker that does not ignore it yet
            for number, (_, theirs) in enumerate(pipes):
                others = [end for pair in pipes for end in pair if end is not theirs]
                worker = _Worker(self._benches, tasks.get, theirs, self._threads)
                process = context.Process(
                    target=worker.run, args=(others,), name=f"cells-{number}", daemon=True
                )
                process.start()
                self._workers.append(process)
            for _, theirs in pipes:
                theirs.close()
        noted.raise_if_stopped()

    def _hear_all(self) -> None:
        open_pipes = set(self._pipes)
        while open_pipes:
            self._hear(open_pipes, LONGEST_SLEEP)
            raise_if_told()

    def _hear(self, open_pipes: set[Connection], seconds: float) -> None:
        """Take the messages that are there, or wait ``seconds`` at most for the next."""
        ready = wait_for_messages(list(open_pipes), timeout=seconds)
        with unstoppable() as noted:  # or a message already taken off the pipe could be lost
            for pipe in [each for each in open_pipes if each in ready]:
                try:
                    event: Event = pipe.recv()
                except (EOFError, ConnectionResetError):
                    open_pipes.discard(pipe)
                    continue
                self._take(event)
        noted.raise_if_stopped()

    def _take(self, event: Event) -> None:
        if isinstance(event, CellDone):
            cell = event.result.cell
            (bench,) = (each for each in self._benches if cell in each.cells)
            bench.results.append(event.result)
            if event.stored is not None:
                bench.written[cell.slug] = event.stored
        self._tell(event)

    def _end_workers(self) -> None:
        """Let the workers tear down, hear what they still say, and end those that don't end."""
        deadline = time.monotonic() + TEARDOWN_SECONDS
        for pipe in self._pipes:
            with suppress(OSError):  # it has ended already
                pipe.send("stop")
        open_pipes = set(self._pipes)
        while open_pipes and (left := deadline - time.monotonic()) > 0:
            self._hear(open_pipes, left)
        for process in self._workers:
            process.join(timeout=_EXIT_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
        for pipe in self._pipes:
            pipe.close()
        if any(process.exitcode for process in self._workers):
            for line in remains.sweep(containers=False):
                self._tell(Note(f"removed what a lost process left: {line}"))

    def _explain_missing(self) -> None:
        """A worker that died took its cells with it: say so instead of leaving them out."""
        codes = sorted({str(p.exitcode) for p in self._workers if p.exitcode})
        for bench in self._benches:
            for plan in bench.plans[len(bench.results) :]:
                result = bench.lost(plan, f"the process that ran it ended with {', '.join(codes)}")
                bench.results.append(result)
                self._tell(CellDone(result))


class _Worker:
    """What runs in a forked process."""

    def __init__(
        self,
        benches: Sequence[Bench],
        next_task: Callable[[], int | None],
        pipe: Connection,
        threads: int,
    ) -> None:
        self._benches = benches
        self._next_task = next_task
        self._pipe = pipe
        self._threads = threads
        self._sending = threading.Lock()

    def run(self, others: Sequence[Connection]) -> None:
        """Take benches until there are none; the pipe's other end says when to stop early."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # The parent decides. Not SIG_IGN, which the nodes started from here would inherit.
            signal.signal(number, lambda _number, _frame: None)
        for connection in others:
            connection.close()
        threading.Thread(target=self._obey, daemon=True).start()
        with ThreadPoolExecutor(max_workers=self._threads, thread_name_prefix="cell") as pool:
            for future in [pool.submit(self._take_benches) for _ in range(self._threads)]:
                future.result()
        self._pipe.close()

    def _take_benches(self) -> None:
        while (number := self._next_task()) is not None:
            bench = self._benches[number]
            bench.tell = self._send
            bench.run()

    def _obey(self) -> None:
        with suppress(EOFError, OSError):  # the parent is gone: the same as being told to stop
            self._pipe.recv()
        for bench in self._benches:
            bench.interrupt()

    def _send(self, event: Event) -> None:
        # Where nobody listens any more the labs are being removed.
        with self._sending, suppress(OSError):
            self._pipe.send(event)
