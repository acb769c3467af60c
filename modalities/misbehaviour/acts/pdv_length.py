"""A PDV whose length is not its own."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.scripts import OnFirst


@act
class PdvLength(Act):
    """The first PDV's item length does not agree with the length of its PDU (PS3.8 9.3.5.1)."""

    kind: Literal["pdv-length"] = "pdv-length"
    by: int = Field(10, ge=-(2**31), le=2**31, description="bytes, added to the true length")

    def script(self) -> Script:
        """Change four bytes."""
        return _Off(self.by)


class _Off(OnFirst):
    def __init__(self, by: int) -> None:
        super().__init__()
        self._by = by

    def deed(self, pdu: bytes) -> Iterator[Step]:
        (length,) = struct.unpack_from(">L", pdu, 6)
        yield pdu[:6] + struct.pack(">L", (length + self._by) & 0xFFFFFFFF) + pdu[10:]
