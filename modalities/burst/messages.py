"""C-STORE messages as P-DATA-TF PDUs (PS3.8 9.3.5), written as headers and slices of one buffer.

pynetdicom builds each PDU by copying its fragment twice and decodes each response into a dataset;
here a fragment is a slice, so that a few system calls send an object, and a plain success is
recognised without a dataset. The bytes are the same as pynetdicom's.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import Final

from dicom.association.upper_layer import P_DATA, UNLIMITED
from modalities.burst.objects import DatasetReader

#: A piece of what goes to the wire: a header or a slice of a dataset.
Piece = bytes | memoryview

#: Message control header (PS3.8 annex E.2).
_COMMAND, _LAST = 0x01, 0x02
#: PDU type, reserved, PDU length; PDV length, presentation context ID, message control header.
_HEADER: Final = struct.Struct(">BBLLBB")
#: Implicit VR Little Endian, in which all command sets are (PS3.7 6.3.1).
_ELEMENT: Final = struct.Struct("<HHL")
_US: Final = struct.Struct("<HHLH")
_GROUP_LENGTH: Final = struct.Struct("<HHLL")
_SHORT: Final = struct.Struct("<H")
_C_STORE_RQ, _C_STORE_RSP = 0x0001, 0x8001
_MEDIUM_PRIORITY, _DATASET_FOLLOWS, _NO_DATASET = 0x0000, 0x0001, 0x0101
#: Bytes read and sent at a time: a core's cache holds them between the two copies.
_CHUNK: Final = 1 << 18
#: Pieces that one system call takes; POSIX promises 16.
_MOST_PIECES: Final = (
    os.sysconf("SC_IOV_MAX") if "SC_IOV_MAX" in getattr(os, "sysconf_names", ()) else 16
)


def store_command(message_id: int, sop_class_uid: str, sop_instance_uid: str) -> bytes:
    """Command set of a C-STORE-RQ (PS3.7 9.3.1.1), medium priority, dataset following."""
    class_uid, instance_uid = _even(sop_class_uid), _even(sop_instance_uid)
    body = b"".join(
        (
            _ELEMENT.pack(0, 0x0002, len(class_uid)),
            class_uid,
            _US.pack(0, 0x0100, 2, _C_STORE_RQ),
            _US.pack(0, 0x0110, 2, message_id),
            _US.pack(0, 0x0700, 2, _MEDIUM_PRIORITY),
            _US.pack(0, 0x0800, 2, _DATASET_FOLLOWS),
            _ELEMENT.pack(0, 0x1000, len(instance_uid)),
            instance_uid,
        )
    )
    return _GROUP_LENGTH.pack(0, 0x0000, 4, len(body)) + body


def is_success(pdu: bytes, context_id: int, message_id: int) -> bool:
    """Whether ``pdu`` is, by itself, the whole C-STORE-RSP with status 0x0000 to ``message_id``.

    False says nothing but that someone has to look closer.
    """
    if len(pdu) < _HEADER.size:
        return False
    kind, _, length, value_length, context, control = _HEADER.unpack_from(pdu)
    whole = kind == P_DATA and length + 6 == len(pdu) and value_length == length - 4
    if not whole or context != context_id or control != _COMMAND | _LAST:
        return False
    values: dict[int, bytes] = {}
    position = _HEADER.size
    while position + _ELEMENT.size <= len(pdu):
        group, element, size = _ELEMENT.unpack_from(pdu, position)
        position += _ELEMENT.size + size
        if group or position > len(pdu):
            return False
        values[element] = pdu[position - size : position]
    return (
        position == len(pdu)
        and values.get(0x0100) == _SHORT.pack(_C_STORE_RSP)
        and values.get(0x0120) == _SHORT.pack(message_id)
        and values.get(0x0800) == _SHORT.pack(_NO_DATASET)
        and values.get(0x0900) == b"\0\0"
    )


class Fragmenter:
    """Cuts messages into PDUs that are no longer than the peer takes; owns the buffer for it.

    Args:
        max_pdu_length: what the peer announced (PS3.8 annex D.1); 0 is no limit.
    """

    def __init__(self, max_pdu_length: int) -> None:
        #: PS3.8 9.3.5.1: six bytes of the PDV item are not the fragment's, and it is even
        self.fragment = max((max_pdu_length or UNLIMITED) - 6, 2) // 2 * 2
        most = (_MOST_PIECES - 4) // 2 * self.fragment
        size = min(_CHUNK, most)
        if self.fragment < size:
            size -= size % self.fragment
        self._buffer = memoryview(bytearray(size))

    def message(
        self, context_id: int, command: bytes, reader: DatasetReader, *, pad: bool
    ) -> Iterator[list[Piece]]:
        """Batches of pieces, each for one system call; valid until the next is asked for.

        Args:
            pad: add a zero byte to a dataset of odd length. PS3.5 annex A.5 asks for it at the
                end of a deflated one; many files lack it.

        Raises:
            UsageError: the dataset can't be read to its end.
        """
        batch: list[Piece] = []
        for begin in range(0, len(command), self.fragment):
            part = command[begin : begin + self.fragment]
            last = begin + self.fragment >= len(command)
            batch += (_header(context_id, len(part), _COMMAND | last * _LAST), part)
        if len(batch) > 2:  # a peer with a very small limit
            yield batch
            batch = []
        padding = reader.left % 2 if pad else 0
        left = reader.left + padding
        full = _header(context_id, self.fragment, 0)
        in_pdu = 0
        if not left:
            yield [*batch, _header(context_id, 0, _LAST)]
        while left:
            data = reader.read(self._buffer)
            position, end = 0, len(data)
            while position < end:
                if not in_pdu:
                    in_pdu = min(left, self.fragment)
                    batch.append(full if left > in_pdu else _header(context_id, in_pdu, _LAST))
                following = min(position + in_pdu, end)
                batch.append(data[position:following])
                in_pdu -= following - position
                left -= following - position
                position = following
            if left == padding and padding:
                batch.append(b"\0")
                left = 0
            yield batch
            batch = []


def _header(context_id: int, length: int, control: int) -> bytes:
    return _HEADER.pack(P_DATA, 0, length + 6, length + 2, context_id, control)


def _even(uid: str) -> bytes:
    """A UID padded to an even length (PS3.5 section 9.1)."""
    encoded = uid.encode("ascii", "replace")
    return encoded + b"\0" * (len(encoded) % 2)
