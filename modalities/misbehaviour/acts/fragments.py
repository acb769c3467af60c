"""PDVs: fragments that lie about themselves, in the wrong order or context (PS3.8 9.3.5)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.pdus import LAST, Pdv, p_data
from modalities.misbehaviour.scripts import OnData, OnFirst


@act
class PdvLength(Act):
    """The first PDV's item length does not agree with the length of its PDU (PS3.8 9.3.5.1)."""

    kind: Literal["pdv-length"] = "pdv-length"
    by: int = Field(10, ge=-(2**31), le=2**31, description="bytes, added to the true length")

    def script(self) -> Script:
        """Change four bytes."""
        return _Off(self.by)


class _Off(OnFirst):
    def __init__(self, by: int) -> None:
        super().__init__()
        self._by = by

    def deed(self, pdu: bytes) -> Iterator[Step]:
        (length,) = struct.unpack_from(">L", pdu, 6)
        yield pdu[:6] + struct.pack(">L", (length + self._by) & 0xFFFFFFFF) + pdu[10:]


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
