"""What a probe observed: how far up the ladder it got, and the signature where it stopped."""

from __future__ import annotations

from dicom.frozen import Frozen
from dicom.ladder import ObjectReport, Outcome


class Observation(Frozen):
    """An outcome with what it rests on.

    ``words`` is the outcome for a human (``rejected: called AE title not recognized (1/1/7)``),
    ``comment`` the peer's Error Comment or exception text, ``details`` further lines (differing
    attributes, sub-operation counters, REST answers), ``objects`` per-object results.
    """

    outcome: Outcome
    words: str
    comment: str = ""
    details: tuple[str, ...] = ()
    objects: tuple[ObjectReport, ...] = ()
    seconds: float = 0.0
