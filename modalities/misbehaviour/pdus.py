"""P-DATA-TF PDUs taken apart into PDVs and put together again (PS3.8 9.3.5, annex E)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from dicom.association.upper_layer import P_DATA
from dicom.datasets.elements import IMPLICIT, header_at
from dicom.tracing import boundaries

#: Bits of a PDV's message control header (PS3.8 annex E.2).
COMMAND, LAST = 0x01, 0x02
#: Elements of the command set (PS3.7 annex E.1).
MESSAGE_ID: Final = 0x00000110
MESSAGE_ID_RESPONDED_TO: Final = 0x00000120
DATA_SET_TYPE: Final = 0x00000800
#: ``DATA_SET_TYPE`` of a message without dataset.
NO_DATA_SET: Final = 0x0101


class Pdv(NamedTuple):
    """A presentation data value item."""

    context_id: int
    control: int
    data: bytes

    @property
    def is_command(self) -> bool:
        """Whether it carries (a fragment of) a command set."""
        return bool(self.control & COMMAND)

    @property
    def is_last(self) -> bool:
        """Whether it ends the command set or the dataset."""
        return bool(self.control & LAST)

    @property
    def ends_message(self) -> bool:
        """Whether no more of its message follows."""
        if not self.is_last:
            return False
        return not self.is_command or command_value(self.data, DATA_SET_TYPE) == NO_DATA_SET


def pdvs(pdu: bytes) -> Iterator[Pdv]:
    """The PDVs of a P-DATA-TF, up to where it is malformed; none of any other PDU."""
    if pdu[0] == P_DATA:
        for header, fragment in boundaries.pdvs(pdu):
            yield Pdv(header.context_id, header.control, fragment)


def p_data(items: Iterable[Pdv]) -> bytes:
    """One P-DATA-TF with these PDVs."""
    content = b"".join(
        struct.pack(">LBB", len(item.data) + 2, item.context_id, item.control) + item.data
        for item in items
    )
    return struct.pack(">BBL", P_DATA, 0, len(content)) + content


def command_value(command: bytes, tag: int) -> int | None:
    """The value of a US element in a whole command set, None where it has none."""
    at = _value_at(command, tag)
    return None if at is None else int.from_bytes(command[at : at + 2], "little")


def with_command_value(command: bytes, tag: int, value: int) -> bytes:
    """The command set with another value of an existing US element."""
    at = _value_at(command, tag)
    if at is None:
        return command
    return command[:at] + value.to_bytes(2, "little") + command[at + 2 :]


def _value_at(command: bytes, tag: int) -> int | None:
    position = 0
    while header := header_at(command, position, IMPLICIT):  # always that (PS3.7 6.3.1)
        position += header.size
        if header.tag == tag:
            return position if header.length == 2 and position + 2 <= len(command) else None
        position += header.length
    return None
