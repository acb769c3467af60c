"""PDUs longer than the peer takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.pdus import Pdv, p_data
from modalities.misbehaviour.scripts import OnData

_HEADERS = 6


@act
class OversizedPdu(Act):
    """Datasets go out in PDUs longer than the maximum that the peer announced (PS3.8 annex D.1)."""

    kind: Literal["oversized-pdu"] = "oversized-pdu"
    bytes: int = Field(
        131072, ge=64, le=64 << 20, multiple_of=2, description="length of a PDU, where data suffice"
    )

    def script(self) -> Script:
        """Gather fragments."""
        return _Gathering(self.bytes)


class _Gathering(OnData):
    def __init__(self, length: int) -> None:
        self._length = length - _HEADERS
        self._gathered = b""

    def item(self, item: Pdv, peer_max_length: int) -> Iterator[Step]:
        if item.is_command:
            yield p_data([item])
            return
        self._gathered += item.data
        while len(self._gathered) > self._length:
            yield self._one(item._replace(control=0), self._length, peer_max_length)
        if item.is_last:
            yield self._one(item, len(self._gathered), peer_max_length)

    def _one(self, item: Pdv, size: int, peer_max_length: int) -> bytes:
        data, self._gathered = self._gathered[:size], self._gathered[size:]
        # a peer that announced no maximum can't be sent too much
        self.happened |= 0 < peer_max_length < size + _HEADERS
        return p_data([item._replace(data=data)])
