"""An abort in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from dicom.association import upper_layer
from modalities.misbehaviour.act import Act, Script, Silence, Step, act


@act
class Abort(Act):
    """A-ABORT instead of the first PDU that would go beyond so many bytes (PS3.8 9.3.8)."""

    kind: Literal["abort"] = "abort"
    after_bytes: int = Field(4096, ge=0, description="sent on the connection at most before")
    by: Literal["user", "provider"] = "user"
    reason: int = Field(0, ge=0, le=6, description="the provider's, PS3.8 table 9-26")

    def script(self) -> Script:
        """Between two PDUs: inside one the peer would take it for data."""
        return _Aborting(self)


class _Aborting(Script):
    def __init__(self, how: Abort) -> None:
        self._left = how.after_bytes
        source = 0 if how.by == "user" else 2
        self._abort = upper_layer.abort(source, how.reason)

    def outgoing(self, pdu: bytes, peer_max_length: int) -> Iterator[Step]:
        self._left -= len(pdu)
        if self._left >= 0:
            yield pdu
            return
        self.happened = True
        yield self._abort
        yield Silence(0.0)
