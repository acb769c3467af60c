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
#: Element number of every group's length.
_GROUP_LENGTH: Final = 0x0000


def matches(key: DataElement, held: Dataset, *, name_groups: bool = False) -> bool:
    """Whether ``held`` satisfies one key of a query; an empty key is satisfied by anything.

    ``name_groups`` lets one component group of a Patient's Name (alphabetic, ideographic or
    phonetic) satisfy a key that has only one. A group length is none: it says how the query is
    written (PS3.5 section 7.2).
    """
    if key.tag.element == _GROUP_LENGTH:
        return True
    if key.VR == "SQ":
        return _sequence_matches(key, held, name_groups=name_groups)
    wanted = texts(key)
    # PS3.4 C.2.2.2.4: an asterisk alone matches a value of zero length too
    if not wanted or (key.VR in _WILD and not all(pattern.strip("*") for pattern in wanted)):
        return True
    element = held.get(key.tag)
    values = texts(element) if element is not None else []
    if name_groups and key.VR == "PN":
        values = [*values, *(group for value in values for group in value.split("=") if group)]
    return any(value_matches(str(key.VR), pattern, value) for pattern in wanted for value in values)


def value_matches(vr: str, pattern: str, value: str) -> bool:
    """Whether one value fits one key value of value representation ``vr``."""
    if vr in _RANGED and "-" in pattern:
        low, _, high = pattern.partition("-")
        # Either may be less precise than the other: 1000 lies within 100000-110000, and 110015
        # within 1000-1100.
        return value >= low[: len(value)] and (not high or value[: len(high)] <= high)
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
    if value is None or value == "" or element.VR == "SQ":
        return []
    several = isinstance(value, Sequence) and not isinstance(value, str | bytes)
    values = value if several else [value]
    return [str(each).strip() for each in values if str(each).strip()]


def _sequence_matches(key: DataElement, held: Dataset, *, name_groups: bool) -> bool:
    """Sequence matching (PS3.4 C.2.2.2.6): one item satisfies every key of the only item."""
    wanted = key.value[0] if key.value else Dataset()
    if is_universal(wanted):
        return True
    element = held.get(key.tag)
    items = element.value if element is not None else []
    return any(
        all(matches(inner, item, name_groups=name_groups) for inner in wanted) for item in items
    )


def is_universal(keys: Dataset) -> bool:
    """Whether every key, in items too, is empty: satisfied by anything, even by its absence."""
    return all(
        is_universal(key.value[0]) if key.VR == "SQ" and key.value else not texts(key)
        for key in keys
        if key.tag.element != _GROUP_LENGTH
    )


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
