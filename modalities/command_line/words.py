"""What commands print, and how long they wait to be told to stop."""

from __future__ import annotations

import signal
import sys
from threading import Event
from types import FrameType


def say(line: str) -> None:
    """A line on standard output, at once."""
    sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


def complain(line: str) -> None:
    """A line on standard error."""
    sys.stderr.write(line + "\n")


def until_told_to_stop() -> None:
    """Sleep until Ctrl-C or SIGTERM."""
    told = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    told.wait()
