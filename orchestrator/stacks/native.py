"""What changes in a vendor's own words when neutral settings change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from dicom.settings import ArchiveSettings
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import Dialect, Native

#: Stands for a key that is not there; JSON has no word for it.
ABSENT: Final = "(absent)"


def native_changes(
    dialect: Dialect, before: ArchiveSettings, after: ArchiveSettings
) -> tuple[NativeChange, ...]:
    """Each vendor key that ``after`` sets differently from ``before``, sorted by key.

    Tables are compared entry by entry and named by a dotted path (``DicomModalities.CT.Port``);
    lists are values, because their order may matter.
    """
    return changes_between(dialect.where, dialect.translate(before), dialect.translate(after))


def changes_between(where: str, before: Native, after: Native) -> tuple[NativeChange, ...]:
    """Each key that two native configurations have differently, as ``native_changes`` does."""
    return tuple(
        NativeChange(where=where, key=key, before=was, after=now)
        for key, was, now in sorted(_differences("", _to_json(before), _to_json(after)))
    )


class _Missing:
    """A key that one side does not have (``null`` is a value)."""


_MISSING: Final = _Missing()


def _to_json(value: object) -> object:
    """Tuples and numbers as JSON has them, so that equal configurations compare equal."""
    return value if value is _MISSING else json.loads(json.dumps(value))


def _differences(path: str, old: object, new: object) -> Iterator[tuple[str, str, str]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            below = f"{path}.{key}" if path else key
            yield from _differences(below, old.get(key, _MISSING), new.get(key, _MISSING))
    elif old != new:
        yield path, _text(old), _text(new)


def _text(value: object) -> str:
    return ABSENT if value is _MISSING else json.dumps(value, sort_keys=True)


def not_in_force(
    read: Mapping[str, object], wanted: Mapping[str, object], changes: Iterable[NativeChange]
) -> list[str]:
    """What ``read``, the configuration an archive reports, has otherwise than ``wanted``.

    Only the vendor keys that ``changes`` touched are compared: a product reports many keys that
    the lab never set. A line for each difference; empty when every change is in force.
    """
    touched = {change.key.partition(".")[0] for change in changes}
    seen = {key: read.get(key, _MISSING) for key in touched}
    asked = {key: wanted.get(key, _MISSING) for key in touched}
    return [
        f"{key} is {was}, expected {now}"
        for name in sorted(touched)
        for key, was, now in sorted(_differences(name, _to_json(seen[name]), _to_json(asked[name])))
    ]
