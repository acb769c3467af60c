"""Attribute matching of C-FIND (PS3.4 C.2.2.2)."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Sequence
from typing import Final

from pydicom import Dataset
from pydicom.dataelem import DataElement

#: VRs that take a range ``a-b`` (PS3.4 C.2.2.2.5).
_RANGED: Final = frozenset({"DA", "TM", "DT"})
#: VRs in which ``*`` and ``?`` are wildcards (PS3.4 C.2.2.2.4).
_WILD: Final = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})


def matches(key: DataElement, held: Dataset) -> bool:
    """Whether ``held`` satisfies one key of a query; an empty key is satisfied by anything."""
    if key.VR == "SQ":
        return _sequence_matches(key, held)
    wanted = texts(key)
    if not wanted:
        return True
    element = held.get(key.tag)
    values = texts(element) if element is not None else []
    return any(value_matches(str(key.VR), pattern, value) for pattern in wanted for value in values)


def value_matches(vr: str, pattern: str, value: str) -> bool:
    """Whether one value fits one key value of value representation ``vr``."""
    if vr in _RANGED and "-" in pattern:
        low, _, high = pattern.partition("-")
        # TM may be shorter than its bound: 10 lies within 0900-1000 up to the last 10:00:00.
        return (not low or value >= low) and (not high or value[: len(high)] <= high)
    if vr == "PN":
        pattern, value = pattern.casefold().rstrip("^="), value.casefold().rstrip("^=")
    if vr in _WILD and any(mark in pattern for mark in "*?"):
        # `[` is an ordinary character in DICOM
        expression = fnmatch.translate(pattern.replace("[", "[[]"))
        return re.match(expression, value) is not None
    if vr in ("IS", "DS"):
        return _number(pattern) == _number(value)
    return pattern == value


def texts(element: DataElement) -> list[str]:
    """The values of an element as text, without padding; none if it is empty."""
    value = element.value
    if value is None or value == "":
        return []
    several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    values = value if several else [value]
    return [str(each).strip() for each in values if str(each).strip()]


def _sequence_matches(key: DataElement, held: Dataset) -> bool:
    if not key.value or not len(key.value[0]):
        return True
    element = held.get(key.tag)
    items = element.value if element is not None else []
    return any(all(matches(inner, item) for inner in key.value[0]) for item in items)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
