"""DICOM files (PS3.10) as an SCU sees them: what to negotiate, and where the dataset begins."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydicom import dcmread
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pynetdicom.dsutils import split_dataset

from dicom.datasets.encoding import UNREADABLE, refuse_if_cut_short
from dicom.datasets.fingerprint import Fingerprint, fingerprint
from dicom.errors import UsageError

_SOP_INSTANCE_UID: Final = 0x00080018


@dataclass(frozen=True)
class Part10File:
    """One file ready to be sent byte for byte; ``offset`` is where its dataset begins."""

    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    offset: int

    def open_dataset(self) -> BinaryIO:
        """Its encoded dataset, to be read to the end and closed.

        Raises:
            OSError: the file can't be read any more.
        """
        file = self.path.open("rb")
        file.seek(self.offset)
        return file


def inspect(path: Path) -> Part10File:
    """Read what is needed to send ``path``: its transfer syntax, and its UIDs.

    Class and instance are the dataset's own, because an archive may compare the command with the
    dataset (F15a, F15b) and exporters are careless with the file meta information; where the
    dataset lacks them or can't be read, the file meta information counts (PS3.10 7.1).

    Raises:
        UsageError: not a Part-10 file, or it does not say what it is (class, instance,
            transfer syntax), so that no presentation context can be chosen for it.
    """
    try:
        meta, offset = split_dataset(path)
        own = _identification(path)
    except (OSError, InvalidDicomError, ValueError, EOFError) as error:
        raise UsageError(
            f"{path} can't be sent: expected a DICOM file (PS3.10) with preamble and 'DICM'"
            f" prefix; {error}"
        ) from error
    found = {
        "SOPClassUID": own.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID"),
        "SOPInstanceUID": own.get("SOPInstanceUID") or meta.get("MediaStorageSOPInstanceUID"),
        "TransferSyntaxUID": meta.get("TransferSyntaxUID"),
    }
    missing = [keyword for keyword, value in found.items() if not value]
    if missing:
        raise UsageError(
            f"{path} can't be sent: expected a dataset and file meta information (PS3.10 7.1) that"
            f" say what it is, but {', '.join(missing)} is missing; no presentation context can be"
            " chosen"
        )
    return Part10File(
        path,
        str(found["SOPClassUID"]),
        str(found["SOPInstanceUID"]),
        str(found["TransferSyntaxUID"]),
        offset,
    )


def _identification(path: Path) -> Mapping[str, str | None]:
    """SOP Class UID and SOP Instance UID of the dataset, by keyword; none where it can't be read as
    what it claims to be."""
    with path.open("rb") as file:
        try:
            dataset = read_partial(
                file, stop_when=lambda tag, _vr, _length: tag > _SOP_INSTANCE_UID
            )
            return {keyword: dataset.get(keyword) for keyword in ("SOPClassUID", "SOPInstanceUID")}
        except (zlib.error, NotImplementedError, EOFError, struct.error):
            return {}


def fingerprint_of(path: Path) -> Fingerprint:
    """Fingerprint of the dataset in the Part-10 file ``path``.

    Raises:
        UsageError: not a Part-10 file, or cut short.
    """
    try:
        dataset = dcmread(path)
        refuse_if_cut_short(dataset)
        return fingerprint(dataset, str(dataset.file_meta.get("TransferSyntaxUID", "")))
    except UNREADABLE as error:
        raise UsageError(
            f"{path} can't be read: expected a DICOM file (PS3.10) that is all there; {error}"
        ) from error
