"""Simulated studies: deterministic, valid, and of nobody.

The same arguments give the same bytes on any machine: UIDs, dates, patient and noise all come
from the seed. UIDs are ``derived_uid`` (see ``modalities.identity``), patients a small cast that
no one can mistake for real people.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from modalities import families
from modalities.errors import ModalityError
from modalities.fingerprint import Fingerprint
from modalities.part10 import fingerprint_of
from modalities.study_plan import TRANSFER_SYNTAXES, StudyPlan
from modalities.uids import uid_of

__all__ = ["CAST", "TRANSFER_SYNTAXES", "WrittenFile", "generate", "write_study"]


class Person(NamedTuple):
    """A member of the cast: family^given name, sex, year of birth."""

    name: str
    sex: str
    born: int


CAST: Final = (
    Person("PHANTOM^ADA", "F", 1961),
    Person("TESTCASE^TOBIAS", "M", 1954),
    Person("SIMULANT^NORA", "F", 1978),
    Person("PLACEHOLDER^MAX", "M", 1949),
    Person("SPECIMEN^MIKA", "O", 1990),
    Person("DUMMY^DORIS", "F", 1938),
    Person("FIXTURE^FELIX", "M", 1985),
    Person("MOCKUP^MARIA", "F", 1967),
)
_FIRST_DAY: Final = datetime.date(2026, 1, 5)


@dataclass(frozen=True)
class WrittenFile:
    """A file of a study and the fingerprint of its dataset."""

    path: Path
    fingerprint: Fingerprint


def generate(
    family: str,
    *,
    images: int,
    rows: int = 512,
    columns: int = 512,
    seed: int = 1,
    transfer_syntax: str = str(ExplicitVRLittleEndian),
) -> Iterator[Dataset]:
    """Yield the images of a simulated study one by one, each ready for ``save_as``.

    Args:
        family: modality family (``CT``).
        images: how many, at least 1.
        rows: image height in pixels.
        columns: image width in pixels.
        seed: decides patient, UIDs, dates and noise.
        transfer_syntax: UID or pydicom keyword, one of ``TRANSFER_SYNTAXES``.

    Raises:
        ModalityError: no such family, or a transfer syntax that images can't be made in.
    """
    plan = StudyPlan(family.upper(), images, rows, columns, seed, _syntax(transfer_syntax))
    return families.named(family)(plan, _shared(plan))


def write_study(
    folder: Path,
    family: str,
    *,
    images: int,
    rows: int = 512,
    columns: int = 512,
    seed: int = 1,
    transfer_syntax: str = str(ExplicitVRLittleEndian),
) -> list[WrittenFile]:
    """Write a simulated study as Part-10 files ``<family>-<seed>-<number>.dcm`` below ``folder``.

    Raises:
        ModalityError: as ``generate``.
        OSError: the files can't be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    datasets = generate(
        family,
        images=images,
        rows=rows,
        columns=columns,
        seed=seed,
        transfer_syntax=transfer_syntax,
    )
    for dataset in datasets:
        path = folder / f"{family.lower()}-{seed}-{int(dataset.InstanceNumber):04d}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        written.append(WrittenFile(path, fingerprint_of(path)))
    return written


def _syntax(name: str) -> UID:
    try:
        uid = UID(uid_of(name))
    except ValueError as error:
        raise ModalityError(str(error)) from error
    if uid not in TRANSFER_SYNTAXES:
        known = ", ".join(syntax.keyword for syntax in TRANSFER_SYNTAXES)
        raise ModalityError(
            f"simulated images can't be made in {uid.name}; expected one of: {known}"
        )
    return uid


def _shared(plan: StudyPlan) -> Dataset:
    """Patient, General Study and General Equipment modules (PS3.3 C.7.1.1, C.7.2.1, C.7.5.1)."""
    person = CAST[plan.seed % len(CAST)]
    day = _FIRST_DAY + datetime.timedelta(days=plan.seed % 365)
    date, time = day.strftime("%Y%m%d"), f"{8 + plan.seed % 9:02d}{plan.seed % 60:02d}00"
    shared = Dataset()
    shared.SpecificCharacterSet = "ISO_IR 100"
    shared.InstanceCreationDate, shared.InstanceCreationTime = date, time
    shared.StudyDate, shared.StudyTime = date, time
    shared.SeriesDate, shared.SeriesTime = date, time
    shared.AcquisitionDate, shared.AcquisitionTime = date, time
    shared.ContentDate, shared.ContentTime = date, time
    shared.AccessionNumber = f"LAB{plan.seed % 10**9:09d}"
    shared.Modality = plan.family
    shared.Manufacturer = "pacslab"
    shared.ManufacturerModelName = f"Simulated {plan.family}"
    shared.DeviceSerialNumber = "0"
    shared.SoftwareVersions = "1"
    shared.InstitutionName = "pacslab simulation, no hospital"
    shared.ReferringPhysicianName = "NOBODY^REFERRING"
    shared.StudyDescription = f"Simulated {plan.family} study"
    shared.PatientName = person.name
    shared.PatientID = f"LAB-{plan.seed % 10**9:09d}"
    shared.PatientBirthDate = f"{person.born}0101"
    shared.PatientSex = person.sex
    shared.PatientComments = "Simulated; no real person"
    shared.StudyInstanceUID = plan.uid("study")
    shared.StudyID = str(plan.seed % 10**9)
    return shared
