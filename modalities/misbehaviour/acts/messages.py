"""DIMSE messages in parts, too early, or with the wrong numbers (PS3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from pydantic import Field

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.pdus import (
    MESSAGE_ID,
    MESSAGE_ID_RESPONDED_TO,
    Pdv,
    command_value,
    p_data,
    pdvs,
    with_command_value,
)
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


_FIRST_ID: Final = 0x8000
#: Longer messages are not kept to be sent again.
_LONGEST: Final = 64 << 20


@act
class Pipelined(Act):
    """The first request is sent again, under other message IDs, before its answer has come.

    No asynchronous operations window was negotiated, so one at a time is allowed (PS3.7 D.3.3.3).
    """

    kind: Literal["pipelined"] = "pipelined"
    copies: int = Field(1, ge=1, le=100, description="how many more requests")

    def script(self) -> Script:
        """Repeat; the answers to the copies are in the trace and go nowhere."""
        return _Impatient(self.copies)


class _Impatient(OnData):
    def __init__(self, copies: int) -> None:
        self._copies = copies
        self._kept: list[Pdv] = []
        self._size = 0

    def item(self, item: Pdv, peer_max_length: int) -> Iterator[Step]:
        yield p_data([item])
        if self.happened or self._size > _LONGEST:
            return
        self._kept.append(item)
        self._size += len(item.data)
        if item.ends_message:
            self.happened = True
            for number in range(self._copies):
                for kept in self._kept:
                    yield p_data([_renumbered(kept, _FIRST_ID + number)])
            self._kept = []

    def passes(self, pdu: bytes) -> bool:
        """Keep the answers to the copies from the SCU."""
        answered = [
            command_value(item.data, MESSAGE_ID_RESPONDED_TO)
            for item in pdvs(pdu)
            if item.is_command
        ]
        return not any(number is not None and number >= _FIRST_ID for number in answered)


def _renumbered(item: Pdv, message_id: int) -> Pdv:
    if not item.is_command:
        return item
    return item._replace(data=with_command_value(item.data, MESSAGE_ID, message_id))


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
