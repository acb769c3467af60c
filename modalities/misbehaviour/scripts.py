"""Scripts that several acts are made of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Final

from dicom.association.upper_layer import P_DATA
from modalities.misbehaviour.act import Script, Step
from modalities.misbehaviour.pdus import Pdv, pdvs

_NOISE: Final = bytes((number * 37 + 200) % 256 for number in range(256))


def noise(size: int) -> bytes:
    """Bytes that look like nothing; the first (0xC8) is no PDU type."""
    return (_NOISE * (size // len(_NOISE) + 1))[:size]


class AtByte(Script):
    """Does its ``deed`` once ``after_bytes`` bytes have gone out on the connection."""

    def __init__(self, after_bytes: int) -> None:
        self._left = after_bytes

    def outgoing(self, pdu: bytes, peer_max_length: int) -> Iterator[Step]:
        """Split the PDU in which it happens."""
        if self.happened or len(pdu) <= self._left:
            self._left -= len(pdu)
            yield pdu
            return
        if self._left > 0:
            yield pdu[: self._left]
        self.happened = True
        yield from self.deed(pdu[max(self._left, 0) :])

    @abstractmethod
    def deed(self, rest: bytes) -> Iterator[Step]:
        """What happens; ``rest`` of the PDU is still to be sent, or not."""


class OnFirst(Script):
    """Does its ``deed`` instead of the first PDU of a type."""

    def __init__(self, pdu_type: int = P_DATA) -> None:
        self._type = pdu_type

    def outgoing(self, pdu: bytes, peer_max_length: int) -> Iterator[Step]:
        """Wait for it."""
        if self.happened or pdu[0] != self._type:
            yield pdu
            return
        self.happened = True
        yield from self.deed(pdu)

    @abstractmethod
    def deed(self, pdu: bytes) -> Iterator[Step]:
        """What happens instead of sending ``pdu``."""


class OnData(Script):
    """Exchanges the PDVs of every P-DATA-TF."""

    def outgoing(self, pdu: bytes, peer_max_length: int) -> Iterator[Step]:
        """Hand them over one by one."""
        if pdu[0] != P_DATA:
            yield pdu
            return
        for item in pdvs(pdu):
            yield from self.item(item, peer_max_length)

    @abstractmethod
    def item(self, item: Pdv, peer_max_length: int) -> Iterator[Step]:
        """What happens instead of sending ``item`` in a PDU of its own."""
