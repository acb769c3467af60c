"""Groups of cells in several processes with threads each.

Our own nodes live in the process that runs their cells, and Python lets one thread of a process
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
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for_messages
from multiprocessing.context import ForkProcess
from typing import Final

from orchestrator.machine.stopping import LONGEST_SLEEP, raise_if_told, unstoppable
from orchestrator.model.events import CellDone, Event, Note, OnEvent
from orchestrator.runs import remains
from orchestrator.runs.group_run import GroupRun
from orchestrator.runs.workers import TEARDOWN_SECONDS, stopped_by

#: How long a worker whose pipe is closed may take to exit, in seconds.
_EXIT_SECONDS: Final = 5.0


def can_fork() -> bool:
    """Whether processes can be forked safely here, with more than one core to use them."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1


class WorkerProcesses:
    """Forked processes that take groups from one queue and tell events through a pipe each.

    They end when their pipe does: when this process is killed they tear down by themselves.

    Args:
        processes: how many.
        threads: groups at the same time in each of them.
    """

    def __init__(self, processes: int, threads: int) -> None:
        self._processes = processes
        self._threads = threads
        self._pipes: list[Connection] = []
        self._workers: list[ForkProcess] = []

    def work(self, runs: Sequence[GroupRun], tell: OnEvent) -> str:
        done: set[str] = set()

        def pass_on(event: Event) -> None:
            if isinstance(event, CellDone):
                done.add(event.result.cell.slug)
            tell(event)

        cut_short = ""
        try:
            self._fork(runs)
            self._hear_all(pass_on)
        except KeyboardInterrupt as stop:
            cut_short = stopped_by(stop)
        finally:
            with unstoppable():
                self._end_workers(pass_on)
        if not cut_short:
            self._explain_missing(runs, done, tell)
        return cut_short

    def _fork(self, runs: Sequence[GroupRun]) -> None:
        """Start the workers, with all groups in their memory and the queue filled.

        A worker whose parent is killed must find the end of the queue, not wait for it.
        """
        context = multiprocessing.get_context("fork")
        tasks = context.SimpleQueue()
        for number in range(len(runs)):
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
                worker = _Worker(runs, tasks.get, theirs)
                process = context.Process(
                    target=worker.run,
                    args=(self._threads, others),
                    name=f"cells-{number}",
                    daemon=True,
                )
                process.start()
                self._workers.append(process)
            for _, theirs in pipes:
                theirs.close()
        noted.raise_if_stopped()

    def _hear_all(self, tell: OnEvent) -> None:
        open_pipes = set(self._pipes)
        while open_pipes:
            _hear(open_pipes, LONGEST_SLEEP, tell)
            raise_if_told()

    def _end_workers(self, tell: OnEvent) -> None:
        """Let the workers tear down, hear what they still say, and end those that don't end."""
        deadline = time.monotonic() + TEARDOWN_SECONDS
        for pipe in self._pipes:
            with suppress(OSError):  # it has ended already
                pipe.send("stop")
        open_pipes = set(self._pipes)
        while open_pipes and (left := deadline - time.monotonic()) > 0:
            _hear(open_pipes, left, tell)
        for process in self._workers:
            process.join(timeout=_EXIT_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
        for pipe in self._pipes:
            pipe.close()
        if any(process.exitcode for process in self._workers):
            for line in remains.sweep(containers=False):
                tell(Note(f"removed what a lost process left: {line}"))

    def _explain_missing(self, runs: Sequence[GroupRun], done: set[str], tell: OnEvent) -> None:
        """A worker that died took its cells with it: say so instead of leaving them out."""
        codes = sorted({str(p.exitcode) for p in self._workers if p.exitcode})
        why = f"the process that ran it ended with {', '.join(codes)}"
        for group in (run.group for run in runs):
            for plan in group.cells:
                if plan.cell.slug not in done:
                    tell(CellDone(group.lost(plan, why)))


def _hear(open_pipes: set[Connection], seconds: float, tell: OnEvent) -> None:
    """Take the events that are there, or wait ``seconds`` at most for the next."""
    ready = wait_for_messages(list(open_pipes), timeout=seconds)
    with unstoppable() as noted:  # or an event already taken off the pipe could be lost
        for pipe in [each for each in open_pipes if each in ready]:
            try:
                event: Event = pipe.recv()
            except (EOFError, ConnectionResetError):
                open_pipes.discard(pipe)
                continue
            tell(event)
    noted.raise_if_stopped()


class _Worker:
    """What runs in a forked process."""

    def __init__(
        self, runs: Sequence[GroupRun], next_task: Callable[[], int | None], pipe: Connection
    ) -> None:
        self._runs = runs
        self._next_task = next_task
        self._pipe = pipe
        self._sending = threading.Lock()

    def run(self, threads: int, others: Sequence[Connection]) -> None:
        """Take groups until there are none; the pipe's other end says when to stop early."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # The parent decides. Not SIG_IGN, which the nodes started from here would inherit.
            signal.signal(number, lambda _number, _frame: None)
        for connection in others:
            connection.close()
        threading.Thread(target=self._obey, daemon=True).start()
        with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="cell") as pool:
            for future in [pool.submit(self._take_groups) for _ in range(threads)]:
                future.result()
        self._pipe.close()

    def _take_groups(self) -> None:
        while (number := self._next_task()) is not None:
            self._runs[number].run(self._send)

    def _obey(self) -> None:
        with suppress(EOFError, OSError):  # the parent is gone: the same as being told to stop
            self._pipe.recv()
        for run in self._runs:
            run.interrupt()

    def _send(self, event: Event) -> None:
        # Where nobody listens any more the labs are being removed.
        with self._sending, suppress(OSError):
            self._pipe.send(event)
