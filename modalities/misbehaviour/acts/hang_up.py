"""A connection that ends in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.act import Act, HangUp, Script, Step, act
from modalities.misbehaviour.scripts import AtByte


@act
class HangUpAt(Act):
    """After so many bytes this side resets the TCP connection, or closes it."""

    kind: Literal["hang-up"] = "hang-up"
    after_bytes: int = Field(4096, ge=0, description="sent on the connection before")
    how: Literal["reset", "close"] = "reset"

    def script(self) -> Script:
        """Go away."""
        return _Away(self)


class _Away(AtByte):
    def __init__(self, how: HangUpAt) -> None:
        super().__init__(how.after_bytes)
        self._how = how.how

    def deed(self, rest: bytes) -> Iterator[Step]:
        yield HangUp(self._how)
