"""Fragments of a message in the wrong order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.pdus import LAST, Pdv, p_data
from modalities.misbehaviour.scripts import OnData


@act
class Interleave(Act):
    """A dataset's first fragment comes between two fragments of its command (PS3.7 6.3.1)."""

    kind: Literal["interleave"] = "interleave"

    def script(self) -> Script:
        """Hold the command's second half back."""
        return _Interleaving()


class _Interleaving(OnData):
    def __init__(self) -> None:
        self._held: Pdv | None = None

    def item(self, item: Pdv, peer_max_length: int) -> Iterator[Step]:
        if item.is_command and item.is_last and not item.ends_message:
            half = len(item.data) // 2
            yield p_data([item._replace(control=item.control & ~LAST, data=item.data[:half])])
            self._held = item._replace(data=item.data[half:])
            return
        yield p_data([item])
        if self._held is not None:
            self.happened = True
            yield p_data([self._held])
            self._held = None
