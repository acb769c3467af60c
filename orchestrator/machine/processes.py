"""Registry of the local processes that runs start, so that none outlives its run.

Every process is announced in the state folder before it is started, and struck out when it was
ended. What a killed run left is found there by the next run and by ``pacslab clean``. A process is
only ever ended after its id *and* its start time were found to match, or because it holds the
descriptor that its announcement gave it: never a stranger's.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from dicom.frozen import Frozen
from orchestrator.machine.owners import (
    ProcessIdentity,
    entries,
    remove_unfinished,
    state_folder,
    write_entry,
)

_NODES: Final = "processes"
_RUNS: Final = "runs"
#: How long a run may take to tear down its labs when it is told to stop, in seconds.
RUN_PATIENCE: Final = 30.0
_NODE_PATIENCE: Final = 5.0


class ProcessEntry(Frozen):
    """A node's process: who it is, which run started it, and the process that drives that run.

    ``process`` is None from the announcement until the start is known to have succeeded. A run
    that is killed in between leaves a process that only the descriptor named ``mark`` tells.
    """

    mark: str
    process: ProcessIdentity | None = None
    owner: ProcessIdentity
    run: str
    command: tuple[str, ...]

    def describe(self, process: ProcessIdentity) -> str:
        """A line for people about this entry's ``process``."""
        return f"process {process.pid} ({' '.join(self.command)}) of run {self.run}"


class RunEntry(Frozen):
    """A run that is going on. ``kept`` says that it only holds a lab for its user (``--keep``)."""

    process: ProcessIdentity
    run: str
    kept: bool = False


class Announcement:
    """A process that is about to be started, is running, or was ended: see ``announce``.

    Attributes:
        descriptors: for ``pass_fds`` of ``subprocess.Popen``. A process holds them from the
            instant of its fork, when it does not have an environment of its own yet.
    """

    def __init__(self, entry: ProcessEntry) -> None:
        self._entry = entry
        self._path = state_folder(_NODES) / f"{entry.mark}.json"
        write_entry(self._path, entry)
        self.descriptors = _open_mark(entry.mark)

    def started(self, pid: int) -> None:
        """Enter the id that the process got; one that has ended already is struck out."""
        process = ProcessIdentity.of(pid)
        if process is None:
            self.withdraw()
        else:
            write_entry(self._path, self._entry.model_copy(update={"process": process}))
            self._let_go()

    def withdraw(self) -> None:
        """Strike it out: it was ended, or could not be started; idempotent."""
        self._path.unlink(missing_ok=True)
        self._let_go()

    def _let_go(self) -> None:
        descriptors, self.descriptors = self.descriptors, ()
        for descriptor in descriptors:
            os.close(descriptor)


def announce(*, run: str, command: Sequence[str]) -> Announcement:
    """Say that this process is about to start ``command`` for ``run``.

    Raises:
        EnvironmentProblemError: the entry can't be written.
    """
    return Announcement(
        ProcessEntry(
            mark=secrets.token_hex(8),
            owner=ProcessIdentity.current(),
            run=run,
            command=tuple(command),
        )
    )


def register_run(run: str, *, kept: bool = False) -> None:
    """Say that this process drives ``run``; call again with ``kept`` when it only holds its lab."""
    entry = RunEntry(process=ProcessIdentity.current(), run=run, kept=kept)
    write_entry(state_folder(_RUNS) / f"{run}.json", entry)


def unregister_run(run: str) -> None:
    """Say that ``run`` is over; idempotent."""
    (state_folder(_RUNS) / f"{run}.json").unlink(missing_ok=True)


def live_runs() -> frozenset[str]:
    """Names of the runs that are going on or hold a lab, on this machine, for this user."""
    return frozenset(entry.run for _, entry in entries(_RUNS, RunEntry) if entry.process.alive())


def stop_runs(which: Literal["kept", "all"]) -> list[str]:
    """Tell other processes' runs to stop, wait until they have torn down, and say which.

    ``kept`` stops those that only hold a lab for their user, ``all`` also those at work. One that
    does not stop within ``RUN_PATIENCE`` seconds is killed; ``sweep`` then finds its remains.
    """
    stopped = []
    for path, entry in entries(_RUNS, RunEntry):
        if entry.process.pid == os.getpid() or (which == "kept" and not entry.kept):
            continue
        if entry.process.alive():
            how = end(entry.process, signal.SIGTERM, RUN_PATIENCE)
            what = "kept lab" if entry.kept else "run"
            stopped.append(f"{what} {entry.run} (process {entry.process.pid} {how})")
        path.unlink(missing_ok=True)
    return stopped


def sweep() -> list[str]:
    """End the processes whose run is dead, strike out entries of dead ones; a line for each ended.

    Processes of runs that are alive are left alone, and so is a process that merely got the id of
    one of ours.
    """
    ended = []
    for path, entry in entries(_NODES, ProcessEntry):
        if entry.owner.alive():
            continue
        for process in (entry.process,) if entry.process is not None else _marked(entry.mark):
            if process.alive():
                end(process, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
                ended.append(entry.describe(process))
        path.unlink(missing_ok=True)
    for path, run in entries(_RUNS, RunEntry):
        if not run.process.alive():
            path.unlink(missing_ok=True)
    for sort in (_NODES, _RUNS):
        remove_unfinished(sort)
    return ended


def end(
    process: ProcessIdentity, first: signal.Signals, patience: float = _NODE_PATIENCE
) -> Literal["stopped", "killed", "already gone"]:
    """Send ``first``, wait at most ``patience`` seconds for the end, then kill.

    Returns:
        How it went: ``stopped`` on the first signal, ``killed`` after it did not.
    """
    if not _signal(process, first):
        return "already gone"
    if _await_end(process, patience):
        return "stopped"
    _signal(process, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    _await_end(process, _NODE_PATIENCE)
    return "killed"


def _open_mark(mark: str) -> tuple[int, ...]:
    """A descriptor that Linux shows by its name (proc(5), ``fd``), for a process to inherit.

    Elsewhere nothing tells a process whose run was killed in the instant of its start.
    """
    return (os.memfd_create(mark),) if sys.platform == "linux" else ()


def _marked(mark: str) -> tuple[ProcessIdentity, ...]:
    """Processes that hold the descriptor of ``_open_mark``."""
    held = f"/memfd:{mark} (deleted)"
    holders = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended, or is another user's
            for descriptor in (process / "fd").iterdir():
                with suppress(OSError):  # it has just been closed
                    if os.fspath(descriptor.readlink()) == held:
                        holders.add(int(process.name))
    found = (ProcessIdentity.of(pid) for pid in sorted(holders))
    return tuple(process for process in found if process is not None)


def _signal(process: ProcessIdentity, number: signal.Signals) -> bool:
    """Signal exactly this process; False when it is gone."""
    if sys.platform != "linux":
        if not process.alive():
            return False
        try:
            os.kill(process.pid, number)
        except ProcessLookupError:
            return False
        return True
    # Between a look at the start time and a kill by number the id could change hands; a pidfd
    # that was opened before the look can't.
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return False
    try:
        if not process.alive():
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def _await_end(process: ProcessIdentity, patience: float) -> bool:
    if sys.platform == "linux":
        try:
            handle = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return True
        try:
            if process.alive():
                poll = select.poll()
                poll.register(handle, select.POLLIN)
                poll.poll(patience * 1000)
        finally:
            os.close(handle)
        return not process.alive()
    deadline = time.monotonic() + patience
    while process.alive() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not process.alive()
