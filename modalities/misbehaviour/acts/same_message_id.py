"""Requests that all have one message ID."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.pdus import MESSAGE_ID, Pdv, command_value, p_data, with_command_value
from modalities.misbehaviour.scripts import OnData


@act
class SameMessageId(Act):
    """Every request of the association has the same message ID; it takes two to show."""

    kind: Literal["same-message-id"] = "same-message-id"
    message_id: int = Field(1, ge=0, le=0xFFFF)

    def script(self) -> Script:
        """Number all alike."""
        return _Alike(self.message_id)


class _Alike(OnData):
    def __init__(self, message_id: int) -> None:
        self._message_id = message_id
        self._requests = 0

    def item(self, item: Pdv, peer_max_length: int) -> Iterator[Step]:
        if item.is_command and command_value(item.data, MESSAGE_ID) is not None:
            self._requests += 1
            self.happened = self._requests > 1
            data = with_command_value(item.data, MESSAGE_ID, self._message_id)
            item = item._replace(data=data)
        yield p_data([item])
