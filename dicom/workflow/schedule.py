"""The list of scheduled procedure steps, as a YAML file has it (PS3.4 table K.6-1)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydicom.charset import python_encoding
from pydicom.uid import RE_VALID_UID

from dicom.frozen import Frozen
from dicom.near_words import did_you_mean
from dicom.patients import CHARACTERS
from dicom.workflow.text_file import read_text_file

#: Stands for the day on which the list is asked for.
TODAY: Final = "today"
_LONGEST_UID: Final = 64
_DATE: Final = re.compile(r"(\d{4})-?(\d\d)-?(\d\d)")
_TIME: Final = re.compile(r"(\d\d):?(\d\d)(?::?(\d\d))?")


def _date(text: object) -> str:
    if text == TODAY:
        return TODAY
    match = _DATE.fullmatch(str(text))
    if match is None:
        raise ValueError("expected a date such as 2026-11-24, or 'today'")
    datetime.date(*map(int, match.groups()))
    return "".join(match.groups())


def _time(text: object) -> str:
    match = _TIME.fullmatch(str(text))
    if match is None:
        raise ValueError("expected a time such as 08:30 or 08:30:15")
    hour, minute, second = (int(each or 0) for each in match.groups())
    return datetime.time(hour, minute, second).strftime("%H%M%S")


def _uid(text: str) -> str:
    if len(text) > _LONGEST_UID or not re.fullmatch(RE_VALID_UID, text):
        raise ValueError(f"not a valid UID (expected to match {RE_VALID_UID})")
    return text


def _character_sets(value: object) -> object:
    """Several values in one text are separated by backslashes, as DICOM has it."""
    return value.split("\\") if isinstance(value, str) else value


def _known_set(text: str) -> str:
    if text not in python_encoding:
        hint = did_you_mean(text, python_encoding)
        raise ValueError(f"not a defined term of Specific Character Set (PS3.3 C.12.1.1.2){hint}")
    return text


def _member(value: object) -> object:
    """A member of the cast by name, as an explicit patient."""
    if not isinstance(value, str):
        return value
    person = CHARACTERS.get(value)
    if person is None:
        hint = did_you_mean(value, CHARACTERS)
        raise ValueError(
            f"no patient of that name{hint}; expected one of {', '.join(CHARACTERS)}, or a"
            " patient's own name and id"
        )
    return {
        "name": person.name,
        "id": f"LAB-{value}" if person.identified else "",
        "birth_date": f"{person.born}0101" if person.born else "",
        "sex": person.sex,
        "character_set": list(person.charset),
    }


Date = Annotated[str, BeforeValidator(_date)]
Uid = Annotated[str, AfterValidator(_uid)]
CharacterSet = Annotated[
    tuple[Annotated[str, AfterValidator(_known_set)], ...], BeforeValidator(_character_sets)
]


class Patient(Frozen):
    """Who is to be examined; ``character_set`` is what the name is written in."""

    name: str
    id: str
    issuer: str = ""
    birth_date: Annotated[str, BeforeValidator(lambda text: text and _date(text))] = ""
    sex: str = Field(default="", pattern="^[MFO]?$")
    character_set: CharacterSet | None = None


class Coded(Frozen):
    """A coded entry (PS3.3 section 8.8)."""

    value: str
    scheme: str
    meaning: str


class ScheduledStep(Frozen):
    """One scheduled procedure step of a requested procedure.

    ``patient`` may be the name of a member of the cast. ``station`` is the AE title of the
    modality that it is scheduled for. ``status`` is Scheduled Procedure Step Status (0040,0020).
    ``study_uid`` left out is derived from accession number and procedure. ``character_set`` left
    out is the patient's, else UTF-8 where anything is not plain ASCII. ``attributes`` are further
    or other attributes of the worklist item by dotted keyword; null takes one away.
    """

    patient: Annotated[Patient, BeforeValidator(_member)]
    accession_number: str = Field(max_length=16)
    modality: str = Field(pattern="^[A-Z]{2,16}$")
    station: str = Field(min_length=1, max_length=16)
    date: Date = TODAY
    time: Annotated[str, BeforeValidator(_time)] = "080000"
    id: str = Field(default="SPS1", max_length=16)
    description: str = ""
    protocol_codes: tuple[Coded, ...] = ()
    station_name: str = ""
    location: str = ""
    performing_physician: str = ""
    status: str = "SCHEDULED"
    procedure_id: str = Field(default="RP1", max_length=16)
    procedure_description: str = ""
    procedure_codes: tuple[Coded, ...] = ()
    priority: str = ""
    referring_physician: str = ""
    requesting_physician: str = ""
    study_uid: Uid | None = None
    character_set: CharacterSet | None = None
    attributes: Mapping[str, str | None] = Field(default_factory=dict)


class Schedule(Frozen):
    """A worklist file: scheduled procedure steps in the order in which they are answered."""

    steps: tuple[ScheduledStep, ...] = ()


class ScheduleFile:
    """A schedule that somebody may change at any time; read again whenever it has changed.

    Args:
        path: the YAML file.

    Raises:
        UsageError: it is missing, or wrong; each mistake with its line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, int, int], Schedule] | None = None
        self.current()

    def current(self) -> Schedule:
        """What the file says now.

        Raises:
            UsageError: it is missing, or wrong; each mistake with its line.
        """
        read = self._read
        try:
            found = self._path.stat()
        except OSError:
            state = (0, 0, 0)  # reading it says why
        else:
            state = (found.st_ino, found.st_mtime_ns, found.st_size)
        if read is None or read[0] != state:
            read = self._read = (state, read_text_file(self._path, Schedule))
        return read[1]
