"""Fragments with nothing in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.pdus import LAST, Pdv, p_data
from modalities.misbehaviour.scripts import OnData


@act
class EmptyPdvs(Act):
    """So many fragments without a byte in them go before the first fragment of a dataset."""

    kind: Literal["empty-pdvs"] = "empty-pdvs"
    count: int = Field(100, ge=1, le=100_000)

    def script(self) -> Script:
        """Put them in, a PDU each."""
        return _Empty(self.count)


class _Empty(OnData):
    def __init__(self, count: int) -> None:
        self._count = count

    def item(self, item: Pdv, peer_max_length: int) -> Iterator[Step]:
        if not self.happened and not item.is_command:
            self.happened = True
            empty = p_data([item._replace(control=item.control & ~LAST, data=b"")])
            for _ in range(self._count):
                yield empty
        yield p_data([item])
