"""What a burst sends: encoded datasets, in memory or in Part-10 files, read piece by piece."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydicom import Dataset
from pynetdicom.dsutils import encode

from dicom.datasets.encoding import encoding_of
from dicom.datasets.part10 import Part10File
from dicom.errors import UsageError

_CLOSED: Final = -1


@dataclass(frozen=True, slots=True)
class StorageObject:
    """One encoded dataset and what its C-STORE-RQ and presentation context say of it.

    Attributes:
        name: what to call it in a report: a file's path, or any words.
        source: the encoded dataset itself, or the file that holds it from ``offset`` to its end.
    """

    name: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    source: bytes | Path
    offset: int = 0

    @property
    def context(self) -> tuple[str, str]:
        """Abstract and transfer syntax of the presentation context that it needs."""
        return self.sop_class_uid, self.transfer_syntax_uid


@dataclass(frozen=True)
class Stream:
    """What one association sends.

    Attributes:
        objects: sent in this order; taken one at a time, as they are made.
        contexts: (abstract syntax, transfer syntax) of all of them, at most 128.
        count: how many there are.
    """

    objects: Iterable[StorageObject]
    contexts: tuple[tuple[str, str], ...]
    count: int


def from_file(file: Part10File) -> StorageObject:
    """The dataset of ``file``, which is sent as it is stored."""
    return StorageObject(
        str(file.path),
        file.sop_class_uid,
        file.sop_instance_uid,
        file.transfer_syntax_uid,
        file.path,
        file.offset,
    )


def from_dataset(dataset: Dataset) -> StorageObject:
    """``dataset``, encoded in the transfer syntax of its file meta information.

    Raises:
        UsageError: it can't be encoded in it.
    """
    syntax = str(dataset.file_meta.TransferSyntaxUID)
    how = encoding_of(syntax)
    encoded = encode(dataset, how.implicit_vr, how.little_endian, how.deflated)
    if encoded is None:
        raise UsageError(
            f"SOP instance {dataset.get('SOPInstanceUID')} can't be sent: expected a dataset that"
            f" can be encoded in {syntax}; write it with save_as to see what is wrong with it"
        )
    instance = str(dataset.SOPInstanceUID)
    return StorageObject(instance, str(dataset.SOPClassUID), instance, syntax, encoded)


class DatasetReader:
    """Reads an object's dataset from its beginning, at most as much as a buffer holds at a time.

    Attributes:
        left: bytes of the dataset that are not read yet.

    Raises:
        UsageError: the file can't be opened.
    """

    def __init__(self, item: StorageObject) -> None:
        self._name = item.name
        self._file = _CLOSED
        self._data = memoryview(b"")
        if isinstance(item.source, bytes):
            self._data = memoryview(item.source)[item.offset :]
            self.left = len(self._data)
            return
        try:
            self._file = os.open(item.source, os.O_RDONLY)
            os.lseek(self._file, item.offset, os.SEEK_SET)
            self.left = max(os.fstat(self._file).st_size - item.offset, 0)
        except OSError as error:
            self.close()
            raise UsageError(f"{item.name} can't be sent: {error}") from error

    def read(self, buffer: memoryview) -> memoryview:
        """The next ``len(buffer)`` bytes, fewer only at the end; valid until the next ``read``.

        They are in ``buffer``, unless the dataset is in memory anyway.

        Raises:
            UsageError: the file became shorter than it was, or can't be read.
        """
        size = min(len(buffer), self.left)
        if self._file == _CLOSED:
            begin = len(self._data) - self.left
            self.left -= size
            return self._data[begin : begin + size]
        filled = 0
        while filled < size:
            try:
                more = os.readv(self._file, [buffer[filled:size]])
            except OSError as error:
                raise UsageError(f"{self._name} can't be read: {error}") from error
            if not more:
                raise UsageError(
                    f"{self._name} became shorter while it was sent: expected {size - filled} bytes"
                    " more, saw its end; send files that nobody writes to"
                )
            filled += more
        self.left -= size
        return buffer[:size]

    def close(self) -> None:
        """Close the file; idempotent."""
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED
