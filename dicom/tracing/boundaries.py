"""Where a PDU (PS3.8 9.3.1) and a PDV (PS3.8 9.3.5.1) begin and end: one reader for everybody."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

#: Bytes of a PDU's header, and of a PDV's with its message control header.
PDU_HEADER: Final = 6
PDV_HEADER: Final = 6
_PDU: Final = struct.Struct(">BxL")
_PDV: Final = struct.Struct(">LBB")


class PduHeader(NamedTuple):
    """Type of a PDU, and how many bytes follow the header."""

    pdu_type: int
    length: int

    @property
    def size(self) -> int:
        """Bytes of the PDU with its header."""
        return PDU_HEADER + self.length


class PdvHeader(NamedTuple):
    """Context ID, message control header, and bytes of the fragment; -1 or -2 where malformed."""

    context_id: int
    control: int
    length: int

    @property
    def size(self) -> int:
        """Bytes of the PDV with its header."""
        return PDV_HEADER + self.length


def pdu_header(data: bytes | bytearray, at: int = 0) -> PduHeader:
    """The header that begins at ``at``, where all of it is there."""
    return PduHeader(*_PDU.unpack_from(data, at))


def pdv_header(data: bytes, at: int = 0) -> PdvHeader:
    """The header that begins at ``at``, where all of it is there."""
    length, context_id, control = _PDV.unpack_from(data, at)
    return PdvHeader(context_id, control, length - 2)


def pdu_types(data: bytes | bytearray) -> Iterator[int]:
    """Types of the PDUs that begin in ``data``, the last of which may not be all there."""
    at = 0
    while at < len(data):
        yield data[at]
        if len(data) - at < PDU_HEADER:
            return
        at += pdu_header(data, at).size


def pdvs(pdu: bytes) -> Iterator[tuple[PdvHeader, bytes]]:
    """PDVs of a P-DATA-TF with their fragments, up to where it is malformed."""
    at = PDU_HEADER
    while at + PDV_HEADER <= len(pdu):
        header = pdv_header(pdu, at)
        yield header, pdu[at + PDV_HEADER : at + max(header.size, PDV_HEADER)]
        at += header.size
