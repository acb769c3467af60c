"""Waiting for a condition: bounded, awake at once, and able to say why it gave up."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from orchestrator.errors import LabError

_FIRST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.25
_TAIL_LINES: Final = 20


def wait_until(
    condition: Callable[[], bool],
    *,
    seconds: float,
    what: str,
    alive: Callable[[], bool] | None = None,
    log: Callable[[], str] | None = None,
) -> None:
    """Block until ``condition()`` holds, asking at growing intervals (5 ms to 250 ms).

    Args:
        condition: asked again and again; must not block for long itself.
        seconds: when to give up.
        what: completes "waited for …" in the error.
        alive: asked now and then; when False there is nothing left to wait for.
        log: where the last lines for the error come from.

    Raises:
        LabError: time is up or the node died; says which, with the tail of its log.
    """
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE
    while not condition():
        dead = alive is not None and not alive()
        if dead or time.monotonic() >= deadline:
            tail = tuple(log().splitlines()[-_TAIL_LINES:]) if log is not None else ()
            how = "it ended meanwhile" if dead else f"{seconds:g} s passed"
            last = f" Its last words: {tail[-1]}" if tail else ""
            raise LabError(f"waited for {what}, but {how}.{last}", log_tail=tail)
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)
