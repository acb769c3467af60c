"""Faults and settings as a scenario's file words them: only what is given."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final

from pydicom.uid import UID

from dicom.frozen import Frozen
from modalities.misbehaviour.words import Worded
from orchestrator.faults.base import FAULTS, Fault

#: Root of the UIDs that DICOM itself gives (PS3.6 annex A).
_OF_THE_STANDARD: Final = "1.2.840.10008."


def fault_in_words(fault: Fault) -> str:
    """``wrong-called-aetitle(title=OLDPACS)``."""
    name = next(name for name, each in FAULTS.items() if each is type(fault))
    given = ", ".join(f"{key}={value}" for key, value in given_in_words(fault).items())
    return f"{name}({given})"


def given_in_words(data: Frozen) -> dict[str, object]:
    """What is given, by name: misbehaviour in its words, a known UID by its keyword."""
    return {
        name: _in_words(getattr(data, name))
        for name in type(data).model_fields
        if name in data.model_fields_set
    }


def _in_words(value: object) -> object:
    if isinstance(value, Worded):
        return _misbehaviour(value)
    if isinstance(value, Frozen):
        return given_in_words(value)
    if isinstance(value, Mapping):
        return {key: _in_words(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_in_words(each) for each in value]
    if isinstance(value, str) and value.startswith(_OF_THE_STANDARD):
        return UID(value).keyword or value
    return value


def _misbehaviour(words: Worded) -> str:
    """Also what is given as it would be anyway, which ``str`` leaves out."""
    text = [words.kind]
    for name, value in given_in_words(words).items():
        shown = shlex.quote(str(value).lower() if isinstance(value, bool) else str(value))
        if name != "kind":
            text.append(
                shown if type(words).model_fields[name].is_required() else f"{name}={shown}"
            )
    return " ".join(text)
