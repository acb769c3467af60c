"""The parameters of a QIDO-RS request (PS3.18 8.3.4): attributes to match, and numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_plus

from pydicom import DataElement, Dataset
from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword

from archive.web.rules import HttpStatus, QidoRules

_TAG: Final = re.compile(r"[0-9A-Fa-f]{8}")
_UNSIGNED: Final = re.compile(r"[0-9]{1,20}")
_SIGNED: Final = re.compile(r"[+-]?[0-9]{1,20}")
#: No product counts further than an unsigned number of 32 bits.
_WRAPS_AT: Final = 1 << 32


class ParameterError(ValueError):
    """A parameter that can't be what it is; ``status`` is the answer's."""

    def __init__(self, status: HttpStatus, words: str) -> None:
        super().__init__(words)
        self.status = status


def parameters(query: str, *, decoded: bool) -> Iterator[tuple[str, str]]:
    """Names and values of a URL's query, percent-decoded or as they are written."""
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        yield (unquote_plus(name), unquote_plus(value)) if decoded else (name, value)


def add_key(keys: Dataset, rules: QidoRules, name: str, value: str) -> bool:
    """Add one attribute to match; items of sequences by dotted names.

    Returns:
        Whether there is anything that could match.

    Raises:
        ParameterError: there is no such attribute, or it can't have such a value.
    """
    known = [tag_of(each) for each in name.split(".")]
    *parents, last = (tag for tag in known if tag is not None) if None not in known else (0,)
    if not last:
        if rules.unknown_attribute is not None:
            raise ParameterError(rules.unknown_attribute, f"{name!r} is no attribute")
        return True
    if parents and not rules.matches_sequences:
        return True
    holder = keys
    for tag in parents:
        if tag not in holder:
            holder.add_new(tag, "SQ", [Dataset()])
        holder = holder[tag].value[0]
    vr = dictionary_VR(last)
    if vr == "SQ":
        holder.add_new(last, vr, [])
        return True
    many = vr == "UI" or rules.lists == "any"
    values = value.split(",") if many else [value]
    if vr == "UI" and any(mark in each for each in values for mark in "*?"):
        raise ParameterError(
            rules.invalid, f"{name} is a UID: {value!r} can't be matched with wildcards"
        )
    in_list = rules.literal_lists and len(values) > 1
    if in_list or keyword_for_tag(last) in rules.literal_attributes:
        # no value has a wildcard's letter: an alternative with one is an alternative less
        values = [each for each in values if not any(mark in each for mark in "*?")]
        values = [each for each in values if each] if in_list else values
        if not values:
            return False
    try:
        # as text whatever the VR: ranges and wildcards are no values of it
        holder.add(text_element(last, "IS" if vr == "US" else vr, values))
    except (ValueError, TypeError) as error:
        raise ParameterError(
            rules.invalid, f"{name} can't be matched with {value!r}: {error}"
        ) from error
    return True


def text_element(tag: int, vr: str, values: list[str]) -> DataElement:
    """An element with values that need not be any of its VR."""
    value = values[0] if len(values) == 1 else values
    return DataElement(tag, vr, value, validation_mode=IGNORE)


def tag_of(name: str) -> int | None:
    """Tag of an attribute by keyword or by eight hexadecimal digits."""
    if _TAG.fullmatch(name):
        tag = int(name, 16)
        return tag if keyword_for_tag(tag) else None
    return tag_for_keyword(name)


def number(rules: QidoRules, name: str, value: str) -> int:
    """How many results ``limit`` or ``offset`` says.

    Raises:
        ParameterError: it is no number, or too large for the vendor.
    """
    signed = _SIGNED.fullmatch(value) if rules.wraps_numbers else _UNSIGNED.fullmatch(value)
    if signed is None or abs(int(value)) >= _WRAPS_AT:
        raise ParameterError(
            rules.invalid, f"{name} is {value!r}, expected a number below {_WRAPS_AT}"
        )
    read = int(value) % _WRAPS_AT
    if rules.too_large is not None and read >= _WRAPS_AT // 2:
        raise ParameterError(rules.too_large, f"{name} is {value!r}, which is read as {read}")
    return read
