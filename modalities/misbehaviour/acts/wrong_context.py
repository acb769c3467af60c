"""Messages in a presentation context that was never negotiated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.pdus import Pdv, p_data
from modalities.misbehaviour.scripts import OnData


@act
class WrongContext(Act):
    """PDVs carry a presentation context ID that was not negotiated, all or only the dataset's."""

    kind: Literal["wrong-context"] = "wrong-context"
    context_id: int = Field(253, ge=0, le=255)
    of: Literal["message", "dataset"] = "message"

    def script(self) -> Script:
        return _Elsewhere(self)


class _Elsewhere(OnData):
    def __init__(self, how: WrongContext) -> None:
        self._how = how

    def item(self, item: Pdv, peer_max_length: int) -> Iterator[Step]:
        if self._how.of == "message" or not item.is_command:
            self.happened = True
            item = item._replace(context_id=self._how.context_id)
        yield p_data([item])
