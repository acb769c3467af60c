"""A signal stops a run at once, except where it would come between an act and its record."""

from __future__ import annotations

import io
import signal
import sys

import pytest

from orchestrator.machine.stopping import RunStoppedError, raise_if_told, stopping, unstoppable
from tests.signals import Finalized


def test_a_signal_is_raised_with_its_name_and_gives_the_shells_exit_code(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(RunStoppedError, match="SIGTERM"), stopping() as stop:
        signal.raise_signal(signal.SIGTERM)
    assert stop.exit_code == 143
    assert "once more to force it" in capfd.readouterr().err


def test_a_signal_in_the_middle_of_a_print_is_no_error_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class SignalledStream(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            signal.raise_signal(signal.SIGINT)
            return len(bytes(data))  # type: ignore[call-overload]

    stream = io.TextIOWrapper(io.BufferedWriter(SignalledStream()))
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(RunStoppedError), stopping():
        print("at work", file=sys.stderr, flush=True)


def test_last_steps_are_finished_before_a_signal_counts() -> None:
    steps: list[str] = []
    with stopping() as stop:
        with unstoppable() as noted:
            signal.raise_signal(signal.SIGINT)
            steps.append("the record is written")
        assert noted.stopped
        with pytest.raises(RunStoppedError, match="SIGINT"):
            noted.raise_if_stopped()
    assert steps[-1] == "the record is written"
    assert stop.exit_code == 130


def test_a_step_within_last_steps_leaves_the_signal_to_the_outer_one() -> None:
    with stopping(), unstoppable() as outer:
        with unstoppable() as inner:
            signal.raise_signal(signal.SIGINT)
        inner.raise_if_stopped()
        assert outer.stopped


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_whose_exception_is_lost_is_raised_to_whoever_waits() -> None:
    with stopping():
        Finalized()
        with unstoppable():
            raise_if_told()
        with pytest.raises(RunStoppedError, match="SIGINT"):
            raise_if_told()
    raise_if_told()


def test_without_a_signal_nothing_is_raised() -> None:
    with stopping() as stop:
        with unstoppable() as noted:
            pass
        noted.raise_if_stopped()
        raise_if_told()
    assert stop.exit_code is None


def test_afterwards_signals_do_what_they_did_before() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
