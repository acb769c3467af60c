"""What a Part-10 file holds, from its first few kilobytes: ``inspect`` for very many files."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
)
from pydicom.valuerep import VR

from dicom.datasets.elements import LONG_VRS, UNDEFINED, header_at
from dicom.datasets.encoding import Encoding, encoding_of
from dicom.datasets.part10 import Part10File, inspect

_FIRST: Final = 4096
#: Preamble and prefix (PS3.10 7.1), then (0002,0000) in Explicit VR Little Endian.
_PREFIX: Final = slice(128, 132)
_GROUP_LENGTH: Final = re.compile(rb"\x02\x00\x00\x00UL\x04\x00(....)", re.DOTALL)
_META_BEGINS: Final = 132
_GROUP_LENGTH_SIZE: Final = 12
_FILE_META: Final = 0x0002
_TRANSFER_SYNTAX_UID: Final = 0x00020010
_SOP_CLASS_UID, _SOP_INSTANCE_UID = 0x00080016, 0x00080018
_PLAIN_VRS: Final = frozenset(str(vr) for vr in VR) - LONG_VRS
_UID: Final = re.compile(rb"[0-9]+(?:\.[0-9]+)+\x00?")


def peek(path: Path) -> Part10File:
    """The same as ``inspect``, without pydicom for files that are as they mostly are.

    Raises:
        UsageError: as ``inspect``.
    """
    try:
        with path.open("rb", buffering=0) as file:
            first = file.read(_FIRST)
    except OSError:
        first = b""
    return _plain(path, first) or inspect(path)


def _plain(path: Path, first: bytes) -> Part10File | None:
    """What ``first`` says of ``path``; None where it takes more than this to find out."""
    group_length = _GROUP_LENGTH.match(first, _META_BEGINS)
    if first[_PREFIX] != b"DICM" or group_length is None:
        return None
    begins = _META_BEGINS + _GROUP_LENGTH_SIZE
    offset = begins + int.from_bytes(group_length[1], "little")
    if offset + 8 > len(first):
        return None
    meta = dict(_elements(first[:offset], begins, encoding_of(ExplicitVRLittleEndian)))
    syntax = _uid(meta.get(_TRANSFER_SYNTAX_UID))
    (group,) = struct.unpack_from("<H", first, offset)
    if syntax is None or group != 8 or any(tag >> 16 != _FILE_META for tag in meta):
        return None
    if syntax in (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian):
        return None
    found = {}
    for tag, value in _elements(first, offset, encoding_of(syntax)):
        found[tag] = value
        if tag >= _SOP_INSTANCE_UID:
            break
    class_uid, instance_uid = _uid(found.get(_SOP_CLASS_UID)), _uid(found.get(_SOP_INSTANCE_UID))
    if class_uid is None or instance_uid is None:
        return None
    return Part10File(path, class_uid, instance_uid, syntax, offset)


def _elements(data: bytes, position: int, encoding: Encoding) -> Iterator[tuple[int, bytes]]:
    """Tags and values, until something that is not plain or not all there."""
    while header := header_at(data, position, encoding):
        position += header.size
        plain = encoding.implicit_vr or header.vr in _PLAIN_VRS
        if not (plain or (header.vr in ("OB", "UN") and header.tag >> 16 == _FILE_META)):
            return
        if header.length == UNDEFINED or position + header.length > len(data):
            return
        yield header.tag, data[position : position + header.length]
        position += header.length


def _uid(value: bytes | None) -> str | None:
    if value is None or _UID.fullmatch(value) is None:
        return None
    return value.rstrip(b"\0").decode("ascii")
