"""The right word for one that somebody got wrong."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near_word(seen: str, known: Iterable[str]) -> str | None:
    """The nearest of the ``known`` words, None where nothing is near."""
    near = difflib.get_close_matches(seen, list(known), n=1)
    return near[0] if near else None


def did_you_mean(seen: str, known: Iterable[str]) -> str:
    """``; did you mean 'wrong-port'?``, to be put behind an error; empty where nothing is near."""
    near = near_word(seen, known)
    return f"; did you mean {near!r}?" if near else ""
