"""What commands print, and how long they wait to be told to stop."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from threading import Event
from typing import Final

#: What a shell reports of a command that wrote to nobody (128 + SIGPIPE).
_UNREAD: Final = 141


def say(line: str) -> None:
    """A line on standard output, at once; ends the program where nobody reads it any more."""
    try:
        sys.stdout.write(line.rstrip() + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # what is left in the buffer must not fail again when the interpreter flushes it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(_UNREAD)


def complain(line: str) -> None:
    """A line on standard error."""
    sys.stderr.write(line + "\n")


def until_told_to_stop() -> None:
    """Sleep until Ctrl-C or SIGTERM."""
    with suppress(KeyboardInterrupt):
        end_in_order()
        Event().wait()


def end_in_order() -> None:
    """Let Ctrl-C and SIGTERM raise ``KeyboardInterrupt``, so that nothing is left behind.

    Ctrl-C does so by itself, except where a shell started the program in the background.
    """
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.default_int_handler)
