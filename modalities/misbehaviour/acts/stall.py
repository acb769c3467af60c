"""A pause in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.act import LONGEST, Act, Pause, Script, Step, act
from modalities.misbehaviour.scripts import AtByte


@act
class Stall(Act):
    """After so many bytes nothing is sent for so many seconds, or until the peer loses patience."""

    kind: Literal["stall"] = "stall"
    after_bytes: int = Field(4096, ge=0, description="sent on the connection before")
    seconds: float = Field(2.0, gt=0, le=LONGEST)

    @property
    def lasts(self) -> float:
        """The pause."""
        return self.seconds

    def script(self) -> Script:
        """Wait once."""
        return _Stalling(self)


class _Stalling(AtByte):
    def __init__(self, how: Stall) -> None:
        super().__init__(how.after_bytes)
        self._seconds = how.seconds

    def deed(self, rest: bytes) -> Iterator[Step]:
        yield Pause(self._seconds)
        yield rest
