"""An association request that stops in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from dicom.association.upper_layer import ASSOCIATE_RQ
from modalities.misbehaviour.act import LONGEST, Act, HangUp, Script, Silence, Step, act
from modalities.misbehaviour.scripts import OnFirst


@act
class HalfRequest(Act):
    """Half of the A-ASSOCIATE-RQ is sent; then this side says nothing, or hangs up."""

    kind: Literal["half-request"] = "half-request"
    then: Literal["silence", "close", "reset"] = "silence"
    seconds: float = Field(8.0, gt=0, le=LONGEST, description="how long it listens in silence")

    @property
    def lasts(self) -> float:
        """The silence."""
        return self.seconds

    def script(self) -> Script:
        """Send the first half."""
        return _Half(self)


class _Half(OnFirst):
    def __init__(self, how: HalfRequest) -> None:
        super().__init__(ASSOCIATE_RQ)
        self._how = how

    def deed(self, pdu: bytes) -> Iterator[Step]:
        yield pdu[: len(pdu) // 2]
        yield Silence(self._how.seconds) if self._how.then == "silence" else HangUp(self._how.then)
