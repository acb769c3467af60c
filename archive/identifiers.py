"""Identifiers of C-FIND, C-MOVE and C-GET: level and unique keys (PS3.4 C.4.1.2, C.4.2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from pydicom import Dataset
from pydicom.datadict import tag_for_keyword
from pydicom.tag import Tag

from archive.vendor import Level, Query
from dicom.datasets.matching import texts

LEVELS: Final[tuple[Level, ...]] = ("PATIENT", "STUDY", "SERIES", "IMAGE")
UNIQUE_KEY: Final[Mapping[Level, str]] = {
    "PATIENT": "PatientID",
    "STUDY": "StudyInstanceUID",
    "SERIES": "SeriesInstanceUID",
    "IMAGE": "SOPInstanceUID",
}
_LEVEL_TAG: Final = 0x00080052


class IdentifierError(ValueError):
    """An identifier that the SCP refuses; ``offending`` is the tag at fault."""

    def __init__(self, words: str, offending: int) -> None:
        super().__init__(words)
        self.offending = offending


class Identifier(NamedTuple):
    """What an identifier asks for: the level, and the values of the unique keys that it gives."""

    level: Level
    keys: dict[str, list[str]]


def read_query(identifier: Dataset, model: str, rules: Query, *, relational: bool) -> Identifier:
    """Level and unique keys of a C-FIND identifier.

    Args:
        identifier: the request's.
        model: information model (``study``, ``patient``, ``patient-study-only``).
        rules: the vendor's.
        relational: relational queries were negotiated (PS3.4 C.5.1.1).

    Raises:
        IdentifierError: the vendor does not accept it.
    """
    level = _level(identifier, model, rules)
    keys = _unique_keys(identifier)
    _check_parents(level, keys, model, rules, relational=relational)
    return Identifier(level, keys)


def read_retrieve(
    identifier: Dataset, model: str, rules: Query, *, relational: bool, guess_level: bool
) -> Identifier:
    """Level and unique keys of a C-MOVE or C-GET identifier; as ``read_query``.

    ``guess_level`` takes a missing level from the lowest key that is given.
    """
    keys = _unique_keys(identifier)
    if guess_level and not texts_of(identifier, _LEVEL_TAG):
        given = [level for level in LEVELS if UNIQUE_KEY[level] in keys]
        if given:
            return Identifier(given[-1], keys)
    level = _level(identifier, model, rules)
    _check_parents(level, keys, model, rules, relational=relational)
    if UNIQUE_KEY[level] not in keys:
        raise _missing(UNIQUE_KEY[level])
    return Identifier(level, keys)


def texts_of(dataset: Dataset, tag: int) -> list[str]:
    """The values of an attribute as text; none if it is absent or empty."""
    element = dataset.get(Tag(tag))
    return [] if element is None else texts(element)


def _level(identifier: Dataset, model: str, rules: Query) -> Level:
    values = texts_of(identifier, _LEVEL_TAG)
    if not values:
        raise _missing("QueryRetrieveLevel")
    seen = values[0]
    name = seen.upper() if rules.lower_case_level else seen
    name = rules.level_aliases.get(name, name)
    allowed = set(LEVELS)
    if model == "study" and not rules.patient_level_in_study_root:
        allowed.discard("PATIENT")
    if model == "patient-study-only":
        allowed -= {"SERIES", "IMAGE"}
    if name not in allowed:
        raise _invalid("QueryRetrieveLevel", seen)
    return name


def _unique_keys(identifier: Dataset) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for level, keyword in UNIQUE_KEY.items():
        values = texts_of(identifier, tag_for_keyword(keyword) or 0)
        if level != "PATIENT" and any(mark in value for value in values for mark in "*?"):
            # UI takes no wildcards (PS3.4 C.2.2.2.4)
            raise _invalid(keyword, "\\".join(values))
        if values:
            keys[keyword] = values
    return keys


def _check_parents(
    level: Level, keys: Mapping[str, list[str]], model: str, rules: Query, *, relational: bool
) -> None:
    """Hierarchical queries name one entity at each level above (PS3.4 C.4.1.2.1)."""
    if rules.parents == "optional":
        return
    first = LEVELS.index("STUDY" if model == "study" else "PATIENT")
    for above in LEVELS[first : LEVELS.index(level)]:
        keyword = UNIQUE_KEY[above]
        values = keys.get(keyword, [])
        if not values and not relational:
            raise _missing(keyword)
        if len(values) > 1:
            raise _invalid(keyword, "\\".join(values))


def _missing(keyword: str) -> IdentifierError:
    tag = Tag(tag_for_keyword(keyword) or 0)
    return IdentifierError(f"Missing {keyword} {_shown(tag)}", tag)


def _invalid(keyword: str, value: str) -> IdentifierError:
    tag = Tag(tag_for_keyword(keyword) or 0)
    return IdentifierError(f"Invalid {keyword} {_shown(tag)} - {value}", tag)


def _shown(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
