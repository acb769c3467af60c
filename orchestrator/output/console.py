"""Consoles: results on standard output, everything else on standard error."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper
from typing import Final, TextIO

from rich.console import Console, RenderableType

#: Width of what goes to a pipe or a file, where COLUMNS does not say otherwise.
_PIPE_WIDTH: Final = 140


def results() -> Console:
    """The console for results; plain text in a pipe. NO_COLOR is respected."""
    return _console(sys.stdout)


def messages() -> Console:
    """The console for progress, notes and errors."""
    return _console(sys.stderr)


def put(console: Console, renderable: RenderableType) -> None:
    """Print something that rich lays out; in a pipe without the blanks that fill its lines."""
    if console.is_terminal:
        console.print(renderable)
        return
    with console.capture() as capture:
        console.print(renderable)
    for line in capture.get().splitlines():
        console.print(line.rstrip(), soft_wrap=True)


def _console(stream: TextIO) -> Console:
    # An arrow in a table must not end a run on a terminal whose encoding has none.
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors="replace")
    width = None if stream.isatty() or "COLUMNS" in os.environ else _PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False)
