"""Attributes in words: datasets from {keyword: value}, and back.

An attribute of a sequence's item is named by dotted keywords:
``ScheduledProcedureStepSequence.Modality`` is the Modality in the first item of Scheduled
Procedure Step Sequence, ``…Sequence[2].Modality`` the one in the second. An empty value is a
zero-length attribute: universal matching in a query, "unknown" elsewhere. A sequence's own
keyword with an empty value is the sequence without items. An attribute without a keyword (private,
retired) is named by its tag, ``00091010``, in answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Final

from pydicom import Dataset
from pydicom.datadict import dictionary_VR, keyword_dict, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID
from pynetdicom.dsutils import decode, encode

from dicom.errors import UsageError
from dicom.ladder import Rung, Signature, StoppedError
from dicom.near_words import did_you_mean

_STEP: Final = re.compile(r"(?P<keyword>\w+)(?:\[(?P<item>[1-9]\d{0,3})\])?")
#: VRs whose values are no text (PS3.5 section 6.2), and how a text is read as one.
_READ: Final[Mapping[frozenset[str], Callable[[str], object]]] = {
    frozenset({"US", "SS", "UL", "SL", "UV", "SV", "US or SS"}): int,
    frozenset({"FL", "FD"}): float,
    frozenset({"AT"}): lambda text: Tag(int(text, 16)),
}
_UTF_8: Final = "ISO_IR 192"


def dataset_of(attributes: Mapping[str, str], character_set: str | None = None) -> Dataset:
    """The dataset that ``attributes`` describe; several values are separated by backslashes.

    Args:
        character_set: Specific Character Set (0008,0005); None is UTF-8 where a value is not plain
            ASCII, and no such attribute otherwise.

    Raises:
        UsageError: a keyword is none, or a value does not fit its attribute.
    """
    dataset = Dataset()
    if character_set is None and not all(value.isascii() for value in attributes.values()):
        character_set = _UTF_8
    if character_set is not None:
        dataset.SpecificCharacterSet = character_set.split("\\")
    for path, value in attributes.items():
        put(dataset, path, value)
    return dataset


def put(dataset: Dataset, path: str, value: str) -> None:
    """Set the attribute that ``path`` names, making the items on the way there.

    Raises:
        UsageError: a keyword is none, an item would leave a gap, or the value does not fit.
    """
    *parents, last = path.split(".")
    holder = dataset
    for step in parents:
        holder = _item(holder, *_parsed(step, path), path)
    keyword, number = _parsed(last, path)
    if dictionary_VR(keyword) == "SQ":
        if value:
            raise UsageError(
                f"{path} is a sequence: expected an attribute of its items ({path}.<keyword>), or"
                f" no value for a sequence without items, saw {value!r}"
            )
        if number is not None:
            _item(holder, keyword, number, path)
        elif keyword not in holder:
            setattr(holder, keyword, Sequence())
        return
    if number is not None:
        raise UsageError(f"{path}: {keyword} is no sequence and has no items")
    try:
        setattr(holder, keyword, _value(dictionary_VR(keyword), value))
    except (ValueError, TypeError, OverflowError) as error:
        raise UsageError(f"{path} can't have the value {value!r}: {error}") from error


def attributes_of(dataset: Dataset) -> dict[str, str]:
    """Everything in ``dataset`` as text, items by dotted keywords; bytes as hexadecimal digits."""
    return dict(_flattened(dataset, ""))


def encoded(dataset: Dataset, transfer_syntax: str) -> BytesIO:
    """``dataset`` as it is sent.

    Raises:
        UsageError: a value can't be encoded, for example in its character set.
    """
    syntax = UID(transfer_syntax)
    data = encode(dataset, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated)
    if data is None:
        raise UsageError(f"these attributes can't be encoded: {attributes_of(dataset)}")
    return BytesIO(data)


def decoded(data: BytesIO | None, transfer_syntax: str) -> Dataset:
    """The dataset of a message; empty where the message has none.

    Raises:
        StoppedError: at ``dimse``: it is no dataset.
    """
    if data is None:
        return Dataset()
    syntax = UID(transfer_syntax)
    try:
        dataset = decode(data, syntax.is_implicit_VR, syntax.is_little_endian, syntax.is_deflated)
        dataset.decode()
    except Exception as error:  # whatever a decoder makes of a malformed dataset
        words = f"the dataset of a message can't be decoded: {type(error).__name__}: {error}"
        raise StoppedError(Rung.DIMSE, Signature.aborted(2, 6), words) from error
    return dataset


def _parsed(step: str, path: str) -> tuple[str, int | None]:
    match = _STEP.fullmatch(step)
    if match is None or tag_for_keyword(match["keyword"]) is None:
        hint = did_you_mean(step, keyword_dict)
        where = "" if step == path else f" in {path!r}"
        raise UsageError(f"unknown attribute keyword {step!r}{where}{hint}")
    return match["keyword"], int(match["item"]) if match["item"] else None


def _value(vr: str, text: str) -> object:
    """``text`` as pydicom wants a value of this VR.

    Raises:
        ValueError: it is not the number or the hexadecimal digits that the VR takes.
    """
    for vrs, read in _READ.items():
        if vr in vrs:
            return [read(each) for each in text.split("\\")] if text else None
    return bytes.fromhex(text) if vr.startswith("O") or vr == "UN" else text


def _item(holder: Dataset, keyword: str, number: int | None, path: str) -> Dataset:
    """Item ``number`` (from 1; the first where None) of a sequence, made if it is the next."""
    if dictionary_VR(keyword) != "SQ":
        raise UsageError(f"{path}: {keyword} is no sequence and has no items")
    if keyword not in holder:
        setattr(holder, keyword, Sequence())
    items = holder[keyword].value
    wanted = number or 1
    if wanted > len(items) + 1:
        raise UsageError(f"{path}: item {wanted} comes before item {len(items) + 1} is there")
    if wanted == len(items) + 1:
        items.append(Dataset())
    item: Dataset = items[wanted - 1]
    return item


def _flattened(dataset: Dataset, prefix: str) -> Iterator[tuple[str, str]]:
    for element in dataset:
        name = prefix + (element.keyword or f"{element.tag:08X}")
        if element.VR != "SQ":
            yield name, _text(element)
            continue
        if not element.value:
            yield name, ""
        for number, item in enumerate(element.value, 1):
            yield from _flattened(item, f"{name}." if number == 1 else f"{name}[{number}].")


def _text(element: DataElement) -> str:
    value = element.value
    values = value if isinstance(value, MultiValue) else [value]
    return "\\".join(map(_one_text, values))


def _one_text(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, BaseTag):
        return f"{value:08X}"
    return "" if value is None else str(value)
