"""Bytes that are no PDU."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from pydantic import Field

from dicom.association.upper_layer import ASSOCIATE_RQ, P_DATA, RELEASE_RQ
from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.scripts import OnFirst, noise

_BEFORE: Final = {"request": ASSOCIATE_RQ, "data": P_DATA, "release": RELEASE_RQ}


@act
class Garbage(Act):
    """Bytes that are no PDU go out before the association request, the first data, or at the end.

    ``release`` puts them behind the A-RELEASE-RQ.
    """

    kind: Literal["garbage"] = "garbage"
    at: Literal["request", "data", "release"] = "request"
    bytes: int = Field(64, ge=1, le=1 << 20, description="how many")

    def script(self) -> Script:
        """Put them in."""
        return _Between(_BEFORE[self.at], noise(self.bytes))


class _Between(OnFirst):
    def __init__(self, pdu_type: int, garbage: bytes) -> None:
        super().__init__(pdu_type)
        self._garbage = garbage

    def deed(self, pdu: bytes) -> Iterator[Step]:
        if pdu[0] == RELEASE_RQ:
            yield pdu
            yield self._garbage
        else:
            yield self._garbage
            yield pdu
