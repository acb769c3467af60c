"""Signals that come at a bad moment."""

from __future__ import annotations

import signal


class Finalized:
    """Gets a signal where the interpreter ignores exceptions."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)
