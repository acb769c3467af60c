"""Stopping on Ctrl-C and SIGTERM: the first signal tears down in order, a second one forces."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Final

_SIGNALS: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


#: The longest that the main thread sleeps at once, in seconds. A signal that comes in the instant
#: before it falls asleep does not wake it (the interpreter handles signals between two steps).
LONGEST_SLEEP: Final = 0.5


class RunStoppedError(KeyboardInterrupt):
    """The user, or whoever started this process, wants it to stop; ``str`` is the signal's name.

    A ``KeyboardInterrupt``, so that nothing that handles errors swallows it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@dataclass
class Stop:
    """Whether and how a stop was asked for. ``exit_code`` is 128 + signal (130, 143), or None."""

    number: int | None = None

    @property
    def exit_code(self) -> int | None:
        """What a shell expects of a process that a signal ended."""
        return None if self.number is None else 128 + self.number


#: The sections that can't be interrupted, innermost last; signal handlers run in the main thread.
_SHIELDS: Final[list[Noted]] = []
#: The sections that a signal stops, innermost last.
_STOPPABLE: Final[list[Stop]] = []


@dataclass
class Noted:
    """A stop that was asked for while nothing could be stopped."""

    number: int | None = None

    @property
    def stopped(self) -> bool:
        """Whether there was a signal."""
        return self.number is not None

    def raise_if_stopped(self) -> None:
        """Catch up on the signal, unless a section around this one can't be interrupted either.

        Raises:
            RunStoppedError: there was one.
        """
        if self.number is not None and not _SHIELDS:
            raise RunStoppedError(self.number)


def raise_if_told() -> None:
    """For whoever waits in a loop: raise the stop that was asked for, if nobody saw it raised.

    A handler's exception is lost where the interpreter ignores exceptions, in a finalizer or in a
    callback of the garbage collector.

    Raises:
        RunStoppedError: there was a signal.
    """
    if _STOPPABLE and not _SHIELDS and (number := _STOPPABLE[-1].number) is not None:
        raise RunStoppedError(number)


@contextmanager
def unstoppable() -> Iterator[Noted]:
    """For short last steps: a first signal inside is noted, and its exit code holds, no more.

    Without it the signal's exception could come between an act and the record of it. Only the
    main thread may enter.
    """
    noted = Noted()
    _SHIELDS.append(noted)
    try:
        yield noted
    finally:
        _SHIELDS.pop()


@contextmanager
def stopping() -> Iterator[Stop]:
    """While inside, the first signal says so and raises ``RunStoppedError`` in the main thread.

    A second signal ends this process at once; what it leaves is removed by the next run or by
    ``pacslab clean``. Only the main thread may enter.
    """
    stop = Stop()

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        if stop.number is not None:
            _say(b"pacslab: forced; 'pacslab clean' removes what is left\n")
            os._exit(128 + number)
        stop.number = number
        _say(b"stopping: removing the labs (once more to force it)\n")
        if not _SHIELDS:
            raise RunStoppedError(number)
        for noted in _SHIELDS:
            noted.number = number

    before = {number: signal.getsignal(number) for number in _SIGNALS}
    _STOPPABLE.append(stop)
    try:
        for number in _SIGNALS:
            if before[number] != signal.SIG_IGN:  # nohup
                signal.signal(number, handle)
        yield stop
    finally:
        _STOPPABLE.pop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(line: bytes) -> None:
    """Past all buffers: the signal may have come in the middle of a ``print``, which can't be
    entered a second time."""
    with suppress(OSError):
        os.write(2, line)
