"""Differences between two states of a lab in words: what somebody would have to type where."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.backends.base import Address
from orchestrator.settings import NativeChange
from orchestrator.state import Entry, Link, ModalityState, StudyTreatment, WireState


def wire_text(wire: WireState) -> str:
    """A wire's treatment in words, only what differs from an undisturbed one."""
    healthy = WireState().model_dump()
    odd = {key: value for key, value in wire.model_dump().items() if value != healthy[key]}
    return ", ".join(f"{key} {value}" for key, value in odd.items()) or "pass"


def wire_change(link: Link, before: WireState, after: WireState) -> NativeChange:
    """What the network does differently on ``link``."""
    return NativeChange(
        where=f"network {arrow(link)}",
        key="packets",
        before=wire_text(before),
        after=wire_text(after),
    )


def modality_changes(
    role: str, before: ModalityState, after: ModalityState
) -> tuple[NativeChange, ...]:
    """What is set differently on a modality's or workstation's own console."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    old["misbehave"], new["misbehave"] = before.misbehave, after.misbehave  # in their own words
    return tuple(
        NativeChange(where=f"{role} console", key=key, before=str(old[key]), after=str(new[key]))
        for key in new
        if old[key] != new[key]
    )


def entry_changes(
    link: Link, before: tuple[Entry, Address], after: tuple[Entry, Address]
) -> tuple[NativeChange, ...]:
    """What a modality's address table says differently of a server: entry and address."""
    (old, old_address), (new, new_address) = before, after
    rows: list[tuple[str, object, object]] = [
        ("called AE title", old.title, new.title),
        ("host", old_address.host, new_address.host),
        ("port", old_address.port, new_address.port),
        ("TLS", old.tls, new.tls),
    ]
    where = f"{link[0]} console, entry for {link[1]}"
    return tuple(
        NativeChange(where=where, key=key, before=str(was), after=str(now))
        for key, was, now in rows
        if was != now
    )


def study_changes(
    role: str, before: StudyTreatment, after: StudyTreatment
) -> tuple[NativeChange, ...]:
    """What the modality in ``role`` puts differently into the objects that it makes."""
    old, new = dict(before), dict(after)
    return tuple(
        NativeChange(
            where=f"objects made by {role}",
            key=key.replace("_", " "),
            before=_in_words(old[key]),
            after=_in_words(new[key]),
        )
        for key in new
        if old[key] != new[key]
    )


def _in_words(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(map(str, value)) or "none"
    if isinstance(value, Mapping):
        pairs = (f"{key}={'(absent)' if each is None else each}" for key, each in value.items())
        return ", ".join(pairs) or "nothing"
    if value is None:
        return "as usual"
    return {"True": "yes", "False": "no"}.get(str(value), str(value))


def arrow(link: Link) -> str:
    """A link for people."""
    return f"{link[0]} → {link[1]}"
