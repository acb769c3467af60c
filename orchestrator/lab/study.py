"""What a phase sends: simulated for the phase, or the user's own files."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from pydicom import Dataset, dcmread
from pydicom.errors import InvalidDicomError
from pydicom.uid import UID

from dicom.datasets.encoding import UNREADABLE
from dicom.datasets.fingerprint import Fingerprint
from dicom.datasets.part10 import fingerprint_of, inspect
from dicom.datasets.uids import uid_of
from dicom.errors import UsageError
from dicom.frozen import Frozen
from modalities.generation import WrittenFile, write_study
from modalities.misbehaviour.alteration import Alteration, altered, fingerprint_of_altered
from orchestrator.errors import FaultNotInPlaceError, InputError
from orchestrator.model.scenario import Study
from orchestrator.model.state import StudyTreatment

_FOLDER: Final = "study"


class SentStudy(Frozen):
    """Part-10 files, relative to the exchange folder, and what is in them, in the same order.

    ``unrelated`` files have nothing to do with each other: one that breaks an association must
    not keep the others from being tried.
    """

    unrelated: bool = False
    files: tuple[str, ...]
    fingerprints: tuple[Fingerprint, ...]

    @property
    def study_uids(self) -> tuple[str, ...]:
        """Study Instance UIDs, each once, in order of appearance; objects may lack one."""
        uids = dict.fromkeys(each.study_instance_uid for each in self.fingerprints)
        return tuple(uid for uid in uids if uid)

    def only(self, sop_instance_uids: Container[str]) -> SentStudy:
        """The part of the study with these SOP Instance UIDs."""
        kept = [
            (file, each)
            for file, each in zip(self.files, self.fingerprints, strict=True)
            if each.sop_instance_uid in sop_instance_uids
        ]
        return self.model_copy(
            update={
                "files": tuple(file for file, _ in kept),
                "fingerprints": tuple(each for _, each in kept),
            }
        )


class StudyMaker:
    """Makes the study of each phase of one cell.

    Simulated studies are new in every phase: a store that succeeds because the archive already
    holds the objects would prove nothing. The user's own files are the same in every phase, so
    the archive has to be emptied between phases (``must_empty``).

    Args:
        exchange: the lab's exchange folder; files go below ``study/<cell>/<phase>/``.
        spec: what the scenario sends.
        seed: of the run.
        cell: the cell's slug; different cells never share UIDs.
        own_files: the user's folder, from the scenario or the command line.
    """

    def __init__(
        self, exchange: Path, spec: Study, *, seed: int, cell: str, own_files: Path | None
    ) -> None:
        self._exchange = exchange
        self._spec = spec
        self._seed = seed
        self._cell = cell
        self._own_files = own_files
        self.must_empty = own_files is not None

    def make(self, phase: str, treatment: StudyTreatment) -> SentStudy:
        """Write the study for ``phase`` as ``treatment`` wants it.

        Raises:
            InputError: the user's folder holds no DICOM file, or one that can't be read.
            FaultNotInPlaceError: an alteration can't be done to one of the objects.
        """
        folder = self._exchange / _FOLDER / self._cell / phase
        if self._own_files is not None:
            written = copy_own_files(self._own_files, folder)
        else:
            origin = "baseline" if treatment.reuse_uids else phase
            syntax = treatment.transfer_syntax or self._spec.transfer_syntax
            written = [
                each
                for family in self._spec.family
                for each in write_study(
                    folder,
                    family,
                    images=self._spec.images,
                    rows=self._spec.rows,
                    columns=self._spec.columns,
                    frames=self._spec.frames,
                    patient=self._spec.patient,
                    seed=self._phase_seed(origin),
                    transfer_syntax=uid_of(syntax),
                )
            ]
        change: dict[str, str | None] = dict(treatment.change)
        if treatment.reuse_uids and phase != "baseline":
            change.setdefault("ImageComments", f"other content under the same UIDs ({phase})")
        if change:
            written = [_rewritten(each.path, change) for each in written]
        return SentStudy(
            unrelated=self._own_files is not None,
            files=tuple(str(each.path.relative_to(self._exchange)) for each in written),
            fingerprints=tuple(_as_sent(each, treatment.alterations) for each in written),
        )

    def _phase_seed(self, phase: str) -> int:
        text = f"{self._seed}/{self._cell}/{phase}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")


def require_dicom(source: Path) -> None:
    """Look for a first DICOM file below ``source`` before anything is started.

    Raises:
        InputError: there is none, or one before it can't be read.
    """
    if next(_dicom_files(source), None) is None:
        raise InputError(
            f"no DICOM file below {source}: expected Part-10 files (with or without the .dcm"
            " ending) that carry a SOP Class and a SOP Instance UID"
        )


def copy_own_files(source: Path, folder: Path) -> list[WrittenFile]:
    """Copy every DICOM file below ``source`` into ``folder``, in name order.

    Raises:
        InputError: there is none, or one can't be read.
    """
    require_dicom(source)
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for index, path in enumerate(_dicom_files(source)):
        target = folder / f"{index:06d}-{path.name}"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _broken(path, error) from error
        target.write_bytes(content)
        try:
            found.append(WrittenFile(target, fingerprint_of(target)))
        except UsageError as error:
            raise _broken(path, error) from error
    return found


def _dicom_files(source: Path) -> Iterator[Path]:
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        try:
            dataset = dcmread(path, stop_before_pixels=True)
            named = "SOPClassUID" in dataset and "SOPInstanceUID" in dataset
        except (InvalidDicomError, EOFError):
            continue
        except UNREADABLE as error:
            raise _broken(path, error) from error
        if named:
            yield path


def _broken(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} can't be read: {error}; expected a whole DICOM file (PS3.10), or one that is"
        " none at all. Repair it, or leave it out of the folder"
    )


def _as_sent(file: WrittenFile, alterations: Sequence[Alteration]) -> Fingerprint:
    """Fingerprint of the object as the sender alters it; unaltered where it can't be read then."""
    if not alterations:
        return file.fingerprint
    try:
        instance = altered(inspect(file.path), alterations)
    except UsageError as error:
        raise FaultNotInPlaceError(str(error)) from error
    return fingerprint_of_altered(instance) or file.fingerprint


def _rewritten(path: Path, change: Mapping[str, str | None]) -> WrittenFile:
    dataset = dcmread(path)
    for keyword, value in change.items():
        if value is None:
            dataset.pop(keyword, None)
        else:
            setattr(dataset, keyword, value)
    _keep_meta_in_step(dataset)
    dataset.save_as(path)
    return WrittenFile(path, fingerprint_of(path))


def _keep_meta_in_step(dataset: Dataset) -> None:
    if "SOPClassUID" in dataset:
        dataset.file_meta.MediaStorageSOPClassUID = UID(dataset.SOPClassUID)
    if "SOPInstanceUID" in dataset:
        dataset.file_meta.MediaStorageSOPInstanceUID = UID(dataset.SOPInstanceUID)
