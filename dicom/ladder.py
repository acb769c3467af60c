"""The ladder that every exchange climbs, and the exact signature at the rung where it stopped.

Names are the standard's: A-ASSOCIATE-RJ result/source/reason and A-ABORT source/reason are
those of PS3.8 section 9.3, presentation-context results those of PS3.8 table 9-18, status
codes those of PS3.7 annex C, TLS alerts those of RFC 8446 section 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final, Self

from pydantic import model_validator

from dicom.frozen import Frozen


class Rung(StrEnum):
    """How far an exchange got, lowest first. Comparable with ``height``, not with ``<``."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    ASSOCIATE = "associate"
    NEGOTIATE = "negotiate"
    DIMSE = "dimse"
    DELIVERED = "delivered"

    @property
    def height(self) -> int:
        """Position on the ladder: 0 for ``resolve``, 6 for ``delivered``."""
        return list(Rung).index(self)


#: What can be seen at each rung. Kinds that end with a code carry one (``rejected 1/1/7``).
KINDS: Final[dict[Rung, frozenset[str]]] = {
    Rung.RESOLVE: frozenset({"unresolved"}),
    Rung.CONNECT: frozenset({"refused", "timeout", "unreachable", "reset"}),
    Rung.TLS: frozenset({"alert", "certificate", "not-tls", "closed", "reset", "timeout"}),
    Rung.ASSOCIATE: frozenset({"rejected", "aborted", "closed", "reset", "timeout", "not-dicom"}),
    Rung.NEGOTIATE: frozenset({"context"}),
    Rung.DIMSE: frozenset(
        {"status", "aborted", "closed", "reset", "timeout", "http", "not-http", "not-dicom"}
    ),
    Rung.DELIVERED: frozenset(
        {
            *("lost", "partial", "altered", "elsewhere", "duplicated", "no-match", "incomplete"),
            *("uncommitted", "unrecorded"),
        }
    ),
}

#: Kinds that mean nothing without a code.
CODED: Final = frozenset(
    {"alert", "certificate", "rejected", "aborted", "context", "status", "http"}
)


class Signature(Frozen):
    """What was seen at the rung where an exchange stopped, e.g. ``rejected 1/1/7``.

    ``code`` is ``result/source/reason`` for ``rejected``, ``source/reason`` for ``aborted``, the
    result for ``context`` (0 where it was accepted, but not in the object's transfer syntax;
    ``none`` where it was not even proposed), ``0xNNNN`` (upper-case digits) for ``status``, the
    alert's name for ``alert``, and empty where the kind says all. A code of ``*`` is a pattern: any
    code.
    """

    kind: str
    code: str = ""

    @model_validator(mode="after")
    def _known_kind(self) -> Signature:
        if not any(self.kind in kinds for kinds in KINDS.values()):
            known = ", ".join(sorted(frozenset().union(*KINDS.values())))
            raise ValueError(f"unknown signature {self.kind!r}; expected one of: {known}")
        if self.kind in CODED and not self.code:
            raise ValueError(f"signature {self.kind!r} needs a code, for example '{self.kind} *'")
        return self

    def __str__(self) -> str:
        return f"{self.kind} {self.code}".rstrip()

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Read ``kind`` or ``kind code`` as written in a scenario.

        Raises:
            ValueError: the kind is unknown, or needs a code and has none.
        """
        kind, _, code = text.strip().partition(" ")
        code = code.strip()
        if kind == "status" and code.lower().startswith("0x"):
            code = "0x" + code[2:].upper()
        return cls(kind=kind, code=code)

    def matches(self, seen: Signature) -> bool:
        """Whether ``seen`` is what this signature (possibly with code ``*``) describes."""
        return self.kind == seen.kind and self.code in ("*", seen.code)

    @classmethod
    def rejected(cls, result: int, source: int, reason: int) -> Signature:
        """A-ASSOCIATE-RJ (PS3.8 9.3.4)."""
        return cls(kind="rejected", code=f"{result}/{source}/{reason}")

    @classmethod
    def aborted(cls, source: int, reason: int) -> Signature:
        """A-ABORT (PS3.8 9.3.8)."""
        return cls(kind="aborted", code=f"{source}/{reason}")

    @classmethod
    def context(cls, result: int) -> Signature:
        """Presentation context refused with ``result`` (PS3.8 table 9-18)."""
        return cls(kind="context", code=str(result))

    @classmethod
    def status(cls, code: int) -> Signature:
        """DIMSE status other than success (PS3.7 annex C)."""
        return cls(kind="status", code=f"0x{code:04X}")


class Outcome(Frozen):
    """Rung and signature: the part of an observation that expectations are declared over.

    Without a signature the exchange was carried out as far as ``rung``, which for a successful
    probe is the probe's goal (``dimse`` for an echo, ``delivered`` for a store).
    """

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

    @classmethod
    def at(cls, rung: Rung, signature: Signature | None = None) -> Self:
        """``Outcome.at(Rung.CONNECT, Signature(kind="refused"))``.

        Raises:
            ValueError: ``signature`` can't be seen at ``rung``.
        """
        return cls(rung=rung, signature=signature)

    @property
    def succeeded(self) -> bool:
        """Whether nothing stopped the exchange."""
        return self.signature is None

    @property
    def kind(self) -> str:
        """The signature's kind, empty where nothing stopped the exchange."""
        return "" if self.signature is None else self.signature.kind

    def __str__(self) -> str:
        if self.signature is None:
            return "delivered" if self.rung is Rung.DELIVERED else f"{self.rung.value} ok"
        return f"{self.rung.value}: {self.signature}"


#: What an SCU reports that nothing stopped: every request was answered with success or a warning.
CARRIED_OUT: Final = Outcome.at(Rung.DIMSE)


class StoppedError(Exception):
    """The exchange stopped with ``outcome``; ``comment`` is in the cause's words.

    ``signature`` is the outcome's, which here is never None.
    """

    def __init__(self, rung: Rung, signature: Signature, comment: str = "") -> None:
        self.outcome = Outcome.at(rung, signature)
        self.signature = signature
        self.comment = comment
        super().__init__(f"{self.outcome} {comment}".rstrip())


class ObjectReport(Frozen):
    """What became of one object: the rung it reached, and the signature if it stopped there."""

    file: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    outcome: Outcome
    comment: str = ""

    @model_validator(mode="before")
    @classmethod
    def _as_recorded_before(cls, data: Any) -> Any:
        """Records of schema 1 have rung and signature where ``outcome`` is now."""
        if not isinstance(data, dict) or "rung" not in data:
            return data
        rest = {key: value for key, value in data.items() if key not in ("rung", "signature")}
        return {**rest, "outcome": {"rung": data["rung"], "signature": data.get("signature")}}


def first_stopped(objects: Iterable[ObjectReport]) -> ObjectReport | None:
    """The first that did not get through, which speaks for all of them; None: all did."""
    return next((each for each in objects if not each.outcome.succeeded), None)
