"""Threads that run cells end when they are told to, and none is waited for that never began."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable
from concurrent.futures import Future, wait
from typing import cast

import pytest

from orchestrator.machine.stopping import stopping
from orchestrator.model.events import OnEvent
from orchestrator.runs import workers
from orchestrator.runs.group_run import GroupRun
from orchestrator.runs.workers import WorkerThreads
from tests.fakes import Heard
from tests.signals import Finalized

PATIENCE = 60
MAIN = threading.main_thread().ident


class FakeRun:
    """Works until it is interrupted; stops the run on cue, or ``fails``."""

    def __init__(self, *, cue: threading.Event | None = None, fails: bool = False) -> None:
        self.began = False
        self.interrupted = threading.Event()
        self._cue = cue
        self._fails = fails

    def run(self, tell: OnEvent) -> None:
        self.began = True
        if self._cue is not None:
            assert self._cue.wait(PATIENCE)
            assert MAIN is not None
            signal.pthread_kill(MAIN, signal.SIGINT)
        if self._fails:
            raise ZeroDivisionError("a bug in the run itself")
        assert self.interrupted.wait(PATIENCE)

    def interrupt(self) -> None:
        self.interrupted.set()


def work(*runs: FakeRun, threads: int = 1) -> str:
    return WorkerThreads(threads).work(cast("list[GroupRun]", list(runs)), Heard())


def test_an_interrupt_ends_who_works_and_does_not_wait_for_who_never_began(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    all_began_that_can = threading.Event()
    waited_for: list[Future[None]] = []

    def watched(futures: Iterable[Future[None]], **options: object) -> object:
        waited_for[:] = futures
        all_began_that_can.set()
        return wait(waited_for, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "wait", watched)
    working, waiting = FakeRun(cue=all_began_that_can), FakeRun()
    with stopping():
        assert work(working, waiting) == "stopped by SIGINT"
    assert working.interrupted.is_set()
    assert not waiting.began
    assert not any(future.cancelled() for future in waited_for)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_whose_exception_is_lost_ends_who_works_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = [Finalized()]

    def watched(futures: Iterable[Future[None]], **options: object) -> object:
        lost.clear()
        return wait(futures, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(workers, "wait", watched)
    run = FakeRun()
    with stopping():
        assert work(run) == "stopped by SIGINT"
    assert run.interrupted.is_set()


def test_a_bug_in_a_groups_run_stops_the_others_and_is_told() -> None:
    other = FakeRun()
    with pytest.raises(ZeroDivisionError, match="a bug in the run itself"):
        work(other, FakeRun(fails=True), threads=2)
    assert other.interrupted.is_set()
