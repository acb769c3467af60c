"""How a scenario writes an outcome: ``success``, or ``{rung: signature}``, each code checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from dicom.ladder import CODED, KINDS, Outcome, Rung, Signature
from dicom.near_words import near_word

#: How the code of each kind is written, with an example (``*`` stands for any code).
CODE_FORMS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "rejected": (re.compile(r"[12]/[123]/\d{1,2}"), "rejected 1/1/7 (result/source/reason)"),
    "aborted": (re.compile(r"[02]/[0-6]"), "aborted 0/0 (source/reason)"),
    "context": (re.compile(r"[0-4]|none"), "context 3 (PS3.8 table 9-18)"),
    "status": (re.compile(r"0x[0-9A-Fa-f]{4}"), "status 0xA801"),
    "http": (re.compile(r"[1-5]\d\d"), "http 500"),
    "alert": (re.compile(r"[a-z][a-z0-9_]*"), "alert unknown_ca (RFC 8446 section 6)"),
    "certificate": (re.compile(r"[a-z][a-z0-9-]*"), "certificate untrusted-issuer"),
}


def outcome_schema() -> dict[str, Any]:
    """JSON Schema of an outcome as a scenario writes it: every rung with its signatures."""
    rungs = {
        rung.value: {"type": "string", "pattern": f"^({'|'.join(_written(rung))})$"}
        for rung in Rung
    }
    stopped = {
        "type": "object",
        "description": "the rung where the exchange stopped, with the signature seen there",
        "properties": rungs,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"oneOf": [{"const": "success"}, stopped]}


def _written(rung: Rung) -> list[str]:
    """The signatures of a rung as regular expressions."""
    return [
        rf"{kind} (\*|{CODE_FORMS[kind][0].pattern})" if kind in CODED else kind
        for kind in sorted(KINDS[rung])
    ]


def read_outcome(value: object) -> Outcome | Literal["success"]:
    """The outcome that a scenario declares.

    Args:
        value: ``success``; a mapping of one rung to a signature in words, such as ``{associate:
            rejected 1/1/7}``; or an outcome, as object or as the mapping that one is dumped to.

    Raises:
        PydanticCustomError: it is none of these; the context has ``expected`` and ``near``.
    """
    if isinstance(value, Outcome):
        return value
    if value == "success":
        return "success"
    if isinstance(value, Mapping) and "rung" in value:
        try:
            return Outcome.model_validate(value)
        except ValidationError as error:
            raise _wrong(error.errors()[0]["msg"], "a rung and its signature") from None
    if not isinstance(value, Mapping) or len(value) != 1:
        raise _wrong(
            f"saw {value!r}",
            "success, or one rung with its signature such as {associate: rejected 1/1/7}",
            near=near_word(str(value), ["success"]),
        )
    ((rung, text),) = value.items()
    if rung not in {known.value for known in Rung}:
        rungs = [known.value for known in Rung]
        raise _wrong(
            f"unknown rung {rung!r}", "one of " + ", ".join(rungs), near=near_word(str(rung), rungs)
        )
    return Outcome(rung=Rung(rung), signature=_read_signature(Rung(rung), text))


def _read_signature(rung: Rung, text: object) -> Signature:
    kinds = sorted(KINDS[rung])
    expected = f"one of {', '.join(kinds)} at {rung.value!r}"
    if not isinstance(text, str):
        raise _wrong(f"saw {text!r}", f"{expected}, with its code")
    kind, _, code = (part.strip() for part in text.strip().partition(" "))
    if kind not in KINDS[rung]:
        elsewhere = [other.value for other in Rung if kind in KINDS[other]]
        seen = (
            f"{kind!r} can't be seen at {rung.value!r}, only at {', '.join(elsewhere)}"
            if elsewhere
            else f"unknown signature {kind!r}"
        )
        raise _wrong(seen, expected, near=None if elsewhere else near_word(kind, kinds))
    if kind not in CODED:
        if code:
            raise _wrong(f"{kind!r} takes no code, saw {code!r}", repr(kind))
        return Signature(kind=kind)
    form, example = CODE_FORMS[kind]
    if not code:
        raise _wrong(f"{kind!r} without a code", f"for example {example}, or '{kind} *'")
    signature = Signature.parse(f"{kind} {code}")
    if signature.code != "*" and not form.fullmatch(signature.code):
        raise _wrong(f"{kind!r} can't have the code {code!r}", f"for example {example}")
    return signature


def _wrong(seen: str, expected: str, near: str | None = None) -> PydanticCustomError:
    return PydanticCustomError(
        "outcome", "{seen}; expected {expected}", {"seen": seen, "expected": expected, "near": near}
    )
