"""Simulated studies: deterministic, valid, and of nobody.

The same arguments give the same bytes on any machine: UIDs, dates, patient and noise all come
from the seed. UIDs are ``derived_uid`` (see ``dicom.identity``), patients a small cast that
no one can mistake for real people.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict, Unpack

from pydicom import Dataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from dicom.datasets.fingerprint import Fingerprint
from dicom.datasets.part10 import fingerprint_of
from dicom.datasets.uids import uid_of
from dicom.errors import UsageError
from dicom.patients import person_of
from modalities import families
from modalities.studies.pixel_data import TRANSFER_SYNTAXES, require_encodable
from modalities.studies.plan import Request, StudyPlan

#: Of every patient; PET can't be quantified without.
_METRES, _KILOGRAMS = 1.75, 75
#: Instance Number and Number of Frames are VR IS (PS3.5 6.2), Rows and Columns US.
_COUNT, _SIDE = (1, 2**31 - 1), (1, 0xFFFF)
_FIRST_DAY: Final = datetime.date(2026, 1, 5)


@dataclass(frozen=True)
class WrittenFile:
    """A file of a study and the fingerprint of its dataset."""

    path: Path
    fingerprint: Fingerprint


class StudyOptions(TypedDict, total=False):
    """What can be asked for besides the family and how many objects.

    Keys:
        rows: image height in pixels; None is the family's usual one.
        columns: image width in pixels; None is the family's usual one.
        frames: frames of each multi-frame object; None is the family's usual number.
        seed: decides patient, UIDs, dates and noise.
        transfer_syntax: UID or pydicom keyword, one of ``TRANSFER_SYNTAXES``.
        patient: member of the cast whose name is the point (``japanese``), see
            ``dicom.patients``; None lets the seed pick a plain one.
    """

    rows: int | None
    columns: int | None
    frames: int | None
    seed: int
    transfer_syntax: str
    patient: str | None


def generate(family: str, *, images: int, **options: Unpack[StudyOptions]) -> Iterator[Dataset]:
    """Yield a family's objects in a simulated study one by one, each ready for ``save_as``.

    Objects of several families with the same seed and patient are one study. Those that refer to
    images (``KO``, ``PR``, ``RTSTRUCT``, …) refer to those of a CT with three.

    Args:
        family: modality family (``CT``, ``US-CINE``, ``SR``), see ``modalities.families``.
        images: how many objects, at least 1.

    Raises:
        UsageError: no such family or patient, a number out of range, or a transfer syntax that
            its objects can't be made in.
    """
    return _objects(plan(family, images=images, **options))


def plan(
    family: str,
    *,
    images: int = 1,
    rows: int | None = None,
    columns: int | None = None,
    frames: int | None = None,
    seed: int = 1,
    transfer_syntax: str = str(ExplicitVRLittleEndian),
    patient: str | None = None,
) -> StudyPlan:
    """What ``generate`` would make of the same arguments.

    Raises:
        UsageError: as ``generate``.
    """
    kind = families.named(family)
    syntax = _syntax(transfer_syntax)
    person_of(patient, seed)
    for what, number, (least, most) in (
        ("a seed", seed, (0, sys.maxsize)),
        ("a number of images", images, _COUNT),
        ("a number of frames", frames, _COUNT),
        ("a number of rows", rows, _SIDE),
        ("a number of columns", columns, _SIDE),
    ):
        if number is not None and not least <= number <= most:
            raise UsageError(f"expected {what} from {least} to {most}, saw {number}")
    made = StudyPlan(
        kind, Request(images, rows, columns, frames, seed, syntax, patient), families.named
    )
    require_encodable(syntax, kind.pixels, (made.rows, made.columns), made.frames, kind.name)
    return made


def write_study(
    folder: Path, family: str, *, images: int, **options: Unpack[StudyOptions]
) -> list[WrittenFile]:
    """Write a simulated study as Part-10 files ``<family>-<seed>-<number>.dcm`` below ``folder``.

    Raises:
        UsageError: as ``generate``.
        OSError: the files can't be written.
    """
    return [
        WrittenFile(path, fingerprint_of(path))
        for path in write_files(folder, family, images=images, **options)
    ]


def write_files(
    folder: Path, family: str, *, images: int, **options: Unpack[StudyOptions]
) -> Iterator[Path]:
    """As ``write_study``, but each path as soon as it is written, and without fingerprints.

    Raises:
        UsageError: as ``generate``.
        OSError: the files can't be written.
    """
    planned = plan(family, images=images, **options)
    folder.mkdir(parents=True, exist_ok=True)
    for dataset in _objects(planned):
        number = int(dataset.InstanceNumber)
        path = folder / f"{planned.family.name.lower()}-{planned.seed}-{number:04d}.dcm"
        try:
            dataset.save_as(path, enforce_file_format=True)
        except BaseException:
            path.unlink(missing_ok=True)  # half a file would be taken for an object
            raise
        yield path


def _objects(plan: StudyPlan) -> Iterator[Dataset]:
    return families.named(plan.family.name).make(plan, _shared(plan))


def _syntax(name: str) -> UID:
    try:
        uid = UID(uid_of(name))
    except ValueError as error:
        raise UsageError(str(error)) from error
    if uid not in TRANSFER_SYNTAXES:
        known = ", ".join(syntax.keyword for syntax in TRANSFER_SYNTAXES)
        raise UsageError(
            f"simulated objects can't be made in {uid.name}: it has no encoder with a fitting"
            f" licence, or is none; expected one of: {known}"
        )
    return uid


def _shared(plan: StudyPlan) -> Dataset:
    """Patient, General Study and General Equipment modules (PS3.3 C.7.1.1, C.7.2.1, C.7.5.1)."""
    person = plan.person
    day = _FIRST_DAY + datetime.timedelta(days=plan.seed % 365)
    date, time = day.strftime("%Y%m%d"), f"{8 + plan.seed % 9:02d}{plan.seed % 60:02d}00"
    shared = Dataset()
    shared.SpecificCharacterSet = list(person.charset) if person.charset[1:] else person.charset[0]
    shared.InstanceCreationDate, shared.InstanceCreationTime = date, time
    shared.StudyDate, shared.StudyTime = date, time
    shared.SeriesDate, shared.SeriesTime = date, time
    shared.AcquisitionDate, shared.AcquisitionTime = date, time
    shared.ContentDate, shared.ContentTime = date, time
    shared.AccessionNumber = f"LAB{plan.seed % 10**9:09d}" if person.identified else ""
    shared.Modality = plan.family.modality
    shared.Manufacturer = "pacslab"
    shared.ManufacturerModelName = f"Simulated {plan.family.modality}"
    shared.DeviceSerialNumber = "0"
    shared.SoftwareVersions = "1"
    shared.InstitutionName = "pacslab simulation, no hospital"
    shared.ReferringPhysicianName = "NOBODY^REFERRING"
    shared.StudyDescription = "Simulated study"
    shared.PatientName = person.name
    shared.PatientID = f"LAB-{plan.seed % 10**9:09d}" if person.identified else ""
    shared.PatientBirthDate = f"{person.born}0101" if person.born else ""
    shared.PatientSex = person.sex
    shared.PatientSize, shared.PatientWeight = _METRES, _KILOGRAMS
    shared.PatientComments = "Simulated; no real person"
    shared.StudyInstanceUID = plan.study_uid
    shared.StudyID = str(plan.seed % 10**9)
    return shared
