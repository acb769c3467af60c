"""A PDU of a type that there is not."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.scripts import OnFirst, noise


@act
class UnknownPdu(Act):
    """A well-formed PDU of an unknown type goes out before the first data (PS3.8 9.3.1)."""

    kind: Literal["unknown-pdu"] = "unknown-pdu"
    type: int = Field(0x0A, ge=0x08, le=0xFF, description="PDU type")
    bytes: int = Field(4, ge=0, le=1 << 20, description="its length")

    def script(self) -> Script:
        """Put it in."""
        return _Strange(struct.pack(">BBL", self.type, 0, self.bytes) + noise(self.bytes))


class _Strange(OnFirst):
    def __init__(self, strange: bytes) -> None:
        super().__init__()
        self._strange = strange

    def deed(self, pdu: bytes) -> Iterator[Step]:
        yield self._strange
        yield pdu
