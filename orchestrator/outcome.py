"""What a probe observed: how far up the ladder it got, and the signature where it stopped."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from modalities.commands import ObjectReport
from modalities.ladder import KINDS, Rung, Signature

__all__ = ["Observation", "Outcome", "Rung", "Signature"]


class Outcome(BaseModel):
    """Rung and signature: the part of an observation that expectations are declared over.

    Without a signature the exchange was carried out as far as ``rung``, which for a successful
    probe is the probe's goal (``dimse`` for an echo, ``delivered`` for a store).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rung: Rung
    signature: Signature | None = None

    @model_validator(mode="after")
    def _signature_belongs_to_rung(self) -> Self:
        if self.signature is not None and self.signature.kind not in KINDS[self.rung]:
            known = ", ".join(sorted(KINDS[self.rung]))
            raise ValueError(
                f"{self.signature.kind!r} can't be seen at {self.rung.value!r};"
                f" expected one of: {known}"
            )
        return self

    @property
    def succeeded(self) -> bool:
        """Whether nothing stopped the exchange."""
        return self.signature is None

    def __str__(self) -> str:
        if self.signature is None:
            return "delivered" if self.rung is Rung.DELIVERED else f"{self.rung.value} ok"
        return f"{self.rung.value}: {self.signature}"


class Observation(BaseModel):
    """An outcome with what it rests on.

    ``words`` is the outcome for a human (``rejected: called AE title not recognized (1/1/7)``),
    ``comment`` the peer's Error Comment or exception text, ``details`` further lines (differing
    attributes, sub-operation counters, REST answers), ``objects`` per-object results.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Outcome
    words: str
    comment: str = ""
    details: tuple[str, ...] = ()
    objects: tuple[ObjectReport, ...] = ()
    seconds: float = 0.0
