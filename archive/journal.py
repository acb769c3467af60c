"""The archive's log: what an administrator wants to know, one line an event."""

from __future__ import annotations

import sys
from collections import deque
from datetime import UTC, datetime
from threading import Lock
from typing import Final

_KEPT_LINES: Final = 50_000


class Journal:
    """Lines with ISO 8601 time stamps, kept in memory; ``echo`` also prints each at once."""

    def __init__(self, *, echo: bool = False) -> None:
        self._echo = echo
        self._lock = Lock()
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._written = 0

    def write(self, text: str) -> None:
        """Add one line."""
        stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = f"{stamp} {text}"
        with self._lock:
            self._lines.append(line)
            self._written += 1
            if self._echo:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()

    def since(self, number: int) -> tuple[int, list[str]]:
        """How many lines there ever were, and those from ``number`` on that are still kept."""
        with self._lock:
            dropped = self._written - len(self._lines)
            return self._written, list(self._lines)[max(number - dropped, 0) :]
