"""Keeping a lab after its run: the process that holds it goes on in the background.

Nodes of the local backend are threads and children of the process that runs the engine, so that
process itself has to stay. On POSIX the command therefore forks before it does anything: the
child runs the engine, and once the lab is to be kept the parent returns to the shell.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Final

#: Told the exit code once the lab is held, and the folder that gets all further output.
Detach = Callable[[int, Path], None]
_LOG: Final = "kept.log"


def in_background(work: Callable[[Detach], int]) -> int:
    """Run ``work`` in a child that may detach itself; returns its (first) exit code.

    ``work`` gets a function to call when it wants to hold on: from then on this process is free.
    Where there is no fork (Windows) everything stays in the foreground.
    """
    if not hasattr(os, "fork"):
        return work(_stay)
    sys.stdout.flush()
    sys.stderr.flush()
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        return _await(child, reader)
    os.close(reader)
    # A session of its own: closing the terminal, or Ctrl-C in it, must not end a lab that is held.
    os.setsid()
    code = work(lambda code, folder: _detach(writer, code, folder))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _await(child: int, reader: int) -> int:
    """The exit code that the child tells, or that it ends with; signals are passed on to it."""

    def forward(number: int, frame: FrameType | None) -> None:
        del frame
        with suppress(ProcessLookupError):
            os.kill(child, number)

    passed: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, forward) for number in passed}
    try:
        with os.fdopen(reader, "rb") as pipe:
            told = pipe.read()
        if told:
            return int(told)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        return 128 - code if code < 0 else code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _stay(code: int, folder: Path) -> None:
    """Detaching where it can't be done: Ctrl-C ends the lab."""
    del code, folder


def _detach(writer: int, code: int, folder: Path) -> None:
    """Tell the parent ``code`` and let go of the terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(folder / _LOG, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(str(code).encode())
