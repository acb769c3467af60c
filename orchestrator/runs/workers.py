"""Who runs groups of cells side by side: threads of this process."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Final, Protocol

from orchestrator.machine.stopping import LONGEST_SLEEP, raise_if_told, unstoppable
from orchestrator.model.events import OnEvent
from orchestrator.runs.group_run import GroupRun

#: How long interrupted groups get to tear down before nobody waits for them, in seconds.
TEARDOWN_SECONDS: Final = 30.0


class Workers(Protocol):
    """Run groups of cells."""

    def work(self, runs: Sequence[GroupRun], tell: OnEvent) -> str:
        """Run all of them; what cut it short (a KeyboardInterrupt), empty when nothing did.

        Whatever happens, every lab that is not to be kept is removed, and ``tell`` hears the
        results of all cells that were begun.
        """


def stopped_by(interrupt: KeyboardInterrupt) -> str:
    """What cut a run short, in words: the signal, where it is known."""
    return f"stopped by {str(interrupt) or 'the user'}"


class WorkerThreads:
    """Threads of this process.

    Args:
        threads: groups at the same time.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def work(self, runs: Sequence[GroupRun], tell: OnEvent) -> str:
        pool = ThreadPoolExecutor(max_workers=self._threads, thread_name_prefix="cell")
        futures: list[Future[None]] = []
        cut_short = ""
        try:
            with unstoppable() as noted:
                futures.extend(pool.submit(run.run, tell) for run in runs)
            noted.raise_if_stopped()
            while not _all_done_or_one_failed(futures):
                raise_if_told()
        except KeyboardInterrupt as stop:
            cut_short = stopped_by(stop)
        finally:
            with unstoppable():
                pool.shutdown(wait=False, cancel_futures=True)
                if cut_short or not all(future.done() for future in futures):
                    for run in runs:
                        run.interrupt()
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
