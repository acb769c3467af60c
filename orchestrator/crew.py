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
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for_messages
from typing import Any, Final, Protocol

from orchestrator.cells import Bench
from orchestrator.request import Listener
from orchestrator.results import CellId, CellResult, PhaseResult

#: How long interrupted benches get to tear down before nobody waits for them, in seconds.
TEARDOWN_SECONDS: Final = 30.0


class Crew(Protocol):
    """Runs benches. Made before anything else happens; ``work`` is called once."""

    def work(self, benches: Sequence[Bench]) -> bool:
        """Run all of them; False when a KeyboardInterrupt cut it short.

        Whatever happens, every lab is removed and the benches hold the results of all cells that
        were finished.
        """


class ThreadCrew:
    """Threads of this process.

    Args:
        threads: benches at the same time.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def work(self, benches: Sequence[Bench]) -> bool:
        """See ``Crew``."""
        pool = ThreadPoolExecutor(max_workers=self._threads, thread_name_prefix="cell")
        futures: list[Future[None]] = [pool.submit(bench.run) for bench in benches]
        try:
            for future in futures:
                future.result()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for bench in benches:
                bench.interrupt()
            wait(futures, timeout=TEARDOWN_SECONDS)
            return False
        pool.shutdown()
        return True


def can_fork() -> bool:
    """Whether processes can be forked safely here, with more than one core to use them."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1


class ForkCrew:
    """Forked processes that take benches from one queue.

    They end when their pipe does: when this process is killed they tear down by themselves.

    Args:
        benches: what ``work`` will be given; the processes are forked here, with all of it in
            memory, before other threads make forking unsafe.
        processes: how many.
        threads: benches at the same time in each of them.
        listener: told what happens, in this process.
    """

    def __init__(
        self, benches: Sequence[Bench], processes: int, threads: int, listener: Listener
    ) -> None:
        context = multiprocessing.get_context("fork")
        self._listener = listener
        self._benches = benches
        self._tasks = context.SimpleQueue()
        pipes = [context.Pipe() for _ in range(processes)]
        self._workers = []
        for number, (_, theirs) in enumerate(pipes):
            others = [end for n, pair in enumerate(pipes) for end in pair if n != number]
            others.append(pipes[number][0])
            worker = _Worker(benches, self._tasks.get, theirs, threads)
            process = context.Process(target=worker.run, args=(others,), name=f"cells-{number}")
            self._workers.append(process)
        sys.stdout.flush()
        sys.stderr.flush()
        for process in self._workers:
            process.start()
        for _, theirs in pipes:
            theirs.close()
        self._pipes = [ours for ours, _ in pipes]
        self._ends = processes * threads

    def work(self, benches: Sequence[Bench]) -> bool:
        """See ``Crew``; ``benches`` are those that it was made with."""
        for number in range(len(benches)):
            self._tasks.put(number)
        for _ in range(self._ends):
            self._tasks.put(None)
        open_pipes = set(self._pipes)
        deadline: float | None = None
        while open_pipes:
            try:
                self._hear(open_pipes, deadline)
            except KeyboardInterrupt:
                deadline = time.monotonic() + TEARDOWN_SECONDS
                for pipe in open_pipes:
                    _tell(pipe, "stop")
            if deadline is not None and time.monotonic() > deadline:
                break
        self._end_workers()
        if deadline is None:
            self._explain_missing()
        return deadline is None

    def _hear(self, open_pipes: set[Connection], deadline: float | None) -> None:
        """Take the messages that are there, or wait for the next."""
        seconds = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = set(wait_for_messages(list(open_pipes), timeout=seconds))
        for pipe in [each for each in open_pipes if each in ready]:
            try:
                message = pipe.recv()
            except (EOFError, ConnectionResetError):
                open_pipes.discard(pipe)
                continue
            self._take(*message)

    def _take(self, what: str, *arguments: Any) -> None:
        if what == "cell":
            number, result, written = arguments
            bench = self._benches[number]
            bench.results.append(result)
            if written is not None:
                bench.written[result.cell.slug] = written
            self._listener.cell_done(result)
        else:
            getattr(self._listener, what)(*arguments)

    def _end_workers(self) -> None:
        for process in self._workers:
            process.join(timeout=1)
            if process.is_alive():
                process.kill()
                process.join()
        for pipe in self._pipes:
            pipe.close()

    def _explain_missing(self) -> None:
        """A worker that died took its cells with it: say so instead of leaving them out."""
        codes = sorted({str(p.exitcode) for p in self._workers if p.exitcode})
        for bench in self._benches:
            for plan in bench.plans[len(bench.results) :]:
                result = bench.lost(plan, f"the process that ran it ended with {', '.join(codes)}")
                bench.results.append(result)
                self._listener.cell_done(result)


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
            signal.signal(number, signal.SIG_IGN)  # the parent decides
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
            bench.listener = _Messenger(number, bench, self._send)
            bench.run()

    def _obey(self) -> None:
        with suppress(EOFError, OSError):  # the parent is gone: the same as being told to stop
            self._pipe.recv()
        for bench in self._benches:
            bench.interrupt()

    def _send(self, *message: object) -> None:
        # Where nobody listens any more the labs are being removed.
        with self._sending, suppress(OSError):
            self._pipe.send(message)


class _Messenger:
    """A listener in a worker: passes everything on to the parent's."""

    def __init__(self, number: int, bench: Bench, send: Callable[..., None]) -> None:
        self._number = number
        self._bench = bench
        self._send = send

    def run_started(self, run: str, cells: tuple[CellId, ...]) -> None:
        self._send("run_started", run, cells)

    def note(self, text: str) -> None:
        self._send("note", text)

    def cell_started(self, cell: CellId) -> None:
        self._send("cell_started", cell)

    def phase_done(self, cell: CellId, phase: PhaseResult) -> None:
        self._send("phase_done", cell, phase)

    def cell_done(self, result: CellResult) -> None:
        self._send("cell", self._number, result, self._bench.written.get(result.cell.slug))

    def kept(self, reach: tuple[str, ...]) -> None:
        self._send("kept", reach)


def _tell(pipe: Connection, word: str) -> None:
    with suppress(OSError):  # it has ended already
        pipe.send(word)
