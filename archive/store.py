"""What the archive holds: Part-10 files in a folder, and an SQLite index over them."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import Final, Literal, NamedTuple

from pydicom.filebase import DicomFileLike
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID
from pynetdicom.dsutils import create_file_meta

from dicom.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME

#: Unique keys of the four levels (PS3.4 C.6.1.1) and the columns that hold them.
UNIQUE_KEYS: Final[Mapping[str, str]] = {
    "PatientID": "patient_id",
    "StudyInstanceUID": "study",
    "SeriesInstanceUID": "series",
    "SOPInstanceUID": "sop_instance",
}
_COLUMNS: Final = (
    "number, sop_class, sop_instance, series, study, patient_id, modality, transfer_syntax, file,"
    " calling"
)
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS instance (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    identity TEXT NOT NULL UNIQUE,
    sop_class TEXT NOT NULL, sop_instance TEXT NOT NULL,
    series TEXT NOT NULL, study TEXT NOT NULL, patient_id TEXT NOT NULL, modality TEXT NOT NULL,
    transfer_syntax TEXT NOT NULL, file TEXT NOT NULL, calling TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS by_study ON instance (study, series);
CREATE INDEX IF NOT EXISTS by_patient ON instance (patient_id);
"""


class Arrival(NamedTuple):
    """An object to be kept: what the index needs, and its encoded dataset."""

    sop_class: str
    sop_instance: str
    series: str
    study: str
    patient_id: str
    modality: str
    transfer_syntax: str
    calling: str
    content: bytes


class Held(NamedTuple):
    """One object that is kept. ``number`` grows with the order of arrival."""

    number: int
    sop_class: str
    sop_instance: str
    series: str
    study: str
    patient_id: str
    modality: str
    transfer_syntax: str
    path: Path
    calling: str


Kept = Literal["stored", "replaced", "ignored"]
Overwrite = Literal["never", "always", "same-source"]


class ObjectStore:
    """Objects below ``folder``; usable from several threads.

    Args:
        folder: made if missing; what an earlier process left there is still held.
        identity: what makes two objects the same instance (``Receipt.identity``).
    """

    def __init__(self, folder: Path, identity: Literal["sop-instance", "all-uids"]) -> None:
        self._objects = folder / "objects"
        self._objects.mkdir(parents=True, exist_ok=True)
        self._identity = identity
        self._lock = Lock()
        self._index = sqlite3.connect(folder / "index.sqlite", check_same_thread=False)
        # The process may be killed, which this survives; the lab does not outlive its host.
        self._index.execute("PRAGMA journal_mode=WAL")
        self._index.execute("PRAGMA synchronous=OFF")
        self._index.executescript(_SCHEMA)

    def add(self, arrival: Arrival, overwrite: Overwrite) -> Kept:
        """Keep an object, or not, where the same instance is held already (F13a, F13b).

        Raises:
            OSError: the file can't be written; nothing is kept then.
        """
        with self._lock:
            held = self._find("identity = ?", (self._identity_of(arrival),))
            if held and not self._may_replace(held[0], arrival, overwrite):
                return "ignored"
            path = self._write(arrival)
            with self._index:
                for old in held:
                    self._index.execute("DELETE FROM instance WHERE number = ?", (old.number,))
                self._index.execute(
                    "INSERT INTO instance (identity, sop_class, sop_instance, series, study,"
                    " patient_id, modality, transfer_syntax, calling, file)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (self._identity_of(arrival), *arrival[:-1], path.name),
                )
        for old in held:
            old.path.unlink(missing_ok=True)
        return "replaced" if held else "stored"

    def select(self, keys: Mapping[str, Sequence[str]] | None = None) -> tuple[Held, ...]:
        """Objects whose unique keys have one of the given values, oldest first.

        Args:
            keys: attribute keyword of ``UNIQUE_KEYS`` to accepted values.
        """
        clauses, values = ["1"], list[str]()
        for keyword, accepted in (keys or {}).items():
            marks = ", ".join("?" * len(accepted))
            clauses.append(f"{UNIQUE_KEYS[keyword]} IN ({marks})")
            values.extend(accepted)
        with self._lock:
            return tuple(self._find(" AND ".join(clauses), values))

    def clear(self) -> int:
        """Remove every object; how many there were."""
        with self._lock:
            held = self._find("1", ())
            with self._index:
                self._index.execute("DELETE FROM instance")
        for each in held:
            each.path.unlink(missing_ok=True)
        return len(held)

    def close(self) -> None:
        """Close the index; what is held stays on disk."""
        with self._lock:
            self._index.close()

    def _may_replace(self, held: Held, arrival: Arrival, overwrite: Overwrite) -> bool:
        if (held.patient_id, held.study, held.series) != (
            arrival.patient_id,
            arrival.study,
            arrival.series,
        ):
            return False
        if overwrite != "same-source":
            return overwrite == "always"
        first = self._find("series = ?", (held.series,))[0]
        return first.calling == arrival.calling

    def _identity_of(self, arrival: Arrival) -> str:
        if self._identity == "sop-instance":
            return arrival.sop_instance
        return "|".join((arrival.patient_id, arrival.study, arrival.series, arrival.sop_instance))

    def _find(self, where: str, values: Sequence[str]) -> list[Held]:
        rows = self._index.execute(
            # `where` is made of column names of this module only; values are bound
            f"SELECT {_COLUMNS} FROM instance WHERE {where} ORDER BY number",  # noqa: S608
            values,
        )
        return [
            Held(
                number=number,
                sop_class=sop_class,
                sop_instance=sop_instance,
                series=series,
                study=study,
                patient_id=patient_id,
                modality=modality,
                transfer_syntax=transfer_syntax,
                path=self._objects / file,
                calling=calling,
            )
            for (
                number,
                sop_class,
                sop_instance,
                series,
                study,
                patient_id,
                modality,
                transfer_syntax,
                file,
                calling,
            ) in rows
        ]

    def _write(self, arrival: Arrival) -> Path:
        """Write a Part-10 file around the dataset's own bytes (PS3.10 section 7)."""
        header = part10_header(arrival.sop_class, arrival.sop_instance, arrival.transfer_syntax)
        path = self._objects / f"{uuid.uuid4().hex}.dcm"
        unfinished = path.with_suffix(".part")
        try:
            with unfinished.open("wb") as file:
                file.write(header)
                file.write(arrival.content)
            unfinished.replace(path)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
        return path


def part10_header(sop_class: str, sop_instance: str, transfer_syntax: str) -> bytes:
    """Preamble, prefix and file meta information of a Part-10 file (PS3.10 7.1)."""
    meta = create_file_meta(
        sop_class_uid=UID(sop_class),
        sop_instance_uid=UID(sop_instance),
        transfer_syntax=UID(transfer_syntax),
        implementation_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version=IMPLEMENTATION_VERSION_NAME,
    )
    header = BytesIO()
    header.write(bytes(128) + b"DICM")
    write_file_meta_info(DicomFileLike(header), meta)
    return header.getvalue()
