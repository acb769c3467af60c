"""A command without the dataset that it announces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.pdus import Pdv, p_data
from modalities.misbehaviour.scripts import OnData


@act
class CommandOnly(Act):
    """Commands say that a dataset follows, and none does."""

    kind: Literal["command-only"] = "command-only"

    def script(self) -> Script:
        """Leave datasets out."""
        return _Commands()


class _Commands(OnData):
    def item(self, item: Pdv, peer_max_length: int) -> Iterator[Step]:
        if item.is_command:
            yield p_data([item])
        else:
            self.happened = True
