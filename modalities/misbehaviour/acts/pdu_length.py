"""A PDU whose length is not its own."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, Literal

from pydantic import Field

from dicom.association.upper_layer import ASSOCIATE_RQ, P_DATA, RELEASE_RQ
from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.scripts import OnFirst

_TYPES: Final = {"associate": ASSOCIATE_RQ, "data": P_DATA, "release": RELEASE_RQ}


@act
class PduLength(Act):
    """The first PDU of a type announces more bytes than it has, or fewer (PS3.8 9.3.1)."""

    kind: Literal["pdu-length"] = "pdu-length"
    of: Literal["associate", "data", "release"] = "data"
    by: int = Field(10, ge=-(2**31), le=2**31, description="bytes, added to the true length")

    def script(self) -> Script:
        """Change four bytes."""
        return _Off(_TYPES[self.of], self.by)


class _Off(OnFirst):
    def __init__(self, pdu_type: int, by: int) -> None:
        super().__init__(pdu_type)
        self._by = by

    def deed(self, pdu: bytes) -> Iterator[Step]:
        (length,) = struct.unpack_from(">L", pdu, 2)
        yield pdu[:2] + struct.pack(">L", (length + self._by) & 0xFFFFFFFF) + pdu[6:]
