"""A dataset without a command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.pdus import Pdv, p_data
from modalities.misbehaviour.scripts import OnData


@act
class DatasetOnly(Act):
    """Datasets come without the command that says what to do with them."""

    kind: Literal["dataset-only"] = "dataset-only"

    def script(self) -> Script:
        """Leave commands out."""
        return _Datasets()


class _Datasets(OnData):
    def item(self, item: Pdv, peer_max_length: int) -> Iterator[Step]:
        if item.is_command:
            self.happened = True
        else:
            yield p_data([item])
