"""Differences between two states of a lab in words: what somebody would have to type where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel
from pydicom.uid import UID

from orchestrator.model.address import Address
from orchestrator.model.native_change import NativeChange
from orchestrator.model.state import AddressEntry, Link, ModalityState, StudyTreatment, WireState

#: Root of the UIDs that the standard itself gives names to (PS3.6 annex A).
_STANDARD_UIDS: Final = "1.2.840.10008."


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
    return _changes(f"{role} console", dict(before), dict(after))


def entry_changes(
    link: Link, before: tuple[AddressEntry, Address], after: tuple[AddressEntry, Address]
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
    return _changes(f"objects made by {role}", dict(before), dict(after))


def _changes(
    where: str, old: Mapping[str, object], new: Mapping[str, object]
) -> tuple[NativeChange, ...]:
    return tuple(
        NativeChange(
            where=where,
            key=key.replace("_", " "),
            before=_in_words(old[key]),
            after=_in_words(new[key]),
        )
        for key in new
        if old[key] != new[key]
    )


def _in_words(value: object) -> str:
    if isinstance(value, BaseModel):
        return _model_in_words(value)
    if isinstance(value, tuple):
        return "; ".join(map(_in_words, value)) or "none"
    if isinstance(value, Mapping):
        pairs = (f"{key}={'(absent)' if each is None else each}" for key, each in value.items())
        return ", ".join(pairs) or "nothing"
    if value is None:
        return "as usual"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    return UID(text).name if text.startswith(_STANDARD_UIDS) else text


def _model_in_words(value: BaseModel) -> str:
    """The model's own words, else its fields that are not as usual; never what it keeps secret."""
    if type(value).__str__ is not BaseModel.__str__:
        return str(value)
    fields = type(value).model_fields
    told = [
        f"{name.replace('_', ' ')} {'(not shown)' if not fields[name].repr else _in_words(each)}"
        for name, each in value
        if each != fields[name].get_default(call_default_factory=True)
    ]
    return ", ".join(told) or "as usual"


def arrow(link: Link) -> str:
    """A link for people."""
    return f"{link[0]} → {link[1]}"
