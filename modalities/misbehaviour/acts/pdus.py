"""PDUs that are none, or not as they say (PS3.8 9.3)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, Literal

from pydantic import Field

from dicom.association.upper_layer import ASSOCIATE_RQ, P_DATA, RELEASE_RQ
from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.pdus import Pdv, p_data
from modalities.misbehaviour.scripts import OnData, OnFirst, noise

_BEFORE: Final = {"request": ASSOCIATE_RQ, "data": P_DATA, "release": RELEASE_RQ}


@act
class Garbage(Act):
    """Bytes that are no PDU go out before the association request, the first data, or at the end.

    ``release`` puts them behind the A-RELEASE-RQ.
    """

    kind: Literal["garbage"] = "garbage"
    at: Literal["request", "data", "release"] = "request"
    bytes: int = Field(64, ge=1, le=1 << 20, description="how many")

    def script(self) -> Script:
        """Put them in."""
        return _Between(_BEFORE[self.at], noise(self.bytes))


class _Between(OnFirst):
    def __init__(self, pdu_type: int, garbage: bytes) -> None:
        super().__init__(pdu_type)
        self._garbage = garbage

    def deed(self, pdu: bytes) -> Iterator[Step]:
        if pdu[0] == RELEASE_RQ:
            yield pdu
            yield self._garbage
        else:
            yield self._garbage
            yield pdu


@act
class UnknownPdu(Act):
    """A well-formed PDU of an unknown type goes out before the first data (PS3.8 9.3.1)."""

    kind: Literal["unknown-pdu"] = "unknown-pdu"
    type: int = Field(0x0A, ge=0x08, le=0xFF, description="PDU type")
    bytes: int = Field(4, ge=0, le=1 << 20, description="its length")

    def script(self) -> Script:
        """Put it in."""
        return _Strange(struct.pack(">BBL", self.type, 0, self.bytes) + noise(self.bytes))


class _Strange(OnFirst):
    def __init__(self, strange: bytes) -> None:
        super().__init__()
        self._strange = strange

    def deed(self, pdu: bytes) -> Iterator[Step]:
        yield self._strange
        yield pdu


_TYPES: Final = {"associate": ASSOCIATE_RQ, "data": P_DATA, "release": RELEASE_RQ}


@act
class PduLength(Act):
    """The first PDU of a type announces more bytes than it has, or fewer (PS3.8 9.3.1)."""

    kind: Literal["pdu-length"] = "pdu-length"
    of: Literal["associate", "data", "release"] = "data"
    by: int = Field(10, ge=-(2**31), le=2**31, description="bytes, added to the true length")

    def script(self) -> Script:
        """Change four bytes."""
        return _Off(_TYPES[self.of], self.by)


class _Off(OnFirst):
    def __init__(self, pdu_type: int, by: int) -> None:
        super().__init__(pdu_type)
        self._by = by

    def deed(self, pdu: bytes) -> Iterator[Step]:
        (length,) = struct.unpack_from(">L", pdu, 2)
        yield pdu[:2] + struct.pack(">L", (length + self._by) & 0xFFFFFFFF) + pdu[6:]


_HEADERS = 6


@act
class OversizedPdu(Act):
    """Datasets go out in PDUs longer than the maximum that the peer announced (PS3.8 annex D.1)."""

    kind: Literal["oversized-pdu"] = "oversized-pdu"
    bytes: int = Field(
        131072, ge=64, le=64 << 20, multiple_of=2, description="length of a PDU, where data suffice"
    )

    def script(self) -> Script:
        """Gather fragments."""
        return _Gathering(self.bytes)


class _Gathering(OnData):
    def __init__(self, length: int) -> None:
        self._length = length - _HEADERS
        self._gathered = b""

    def item(self, item: Pdv, peer_max_length: int) -> Iterator[Step]:
        if item.is_command:
            yield p_data([item])
            return
        self._gathered += item.data
        while len(self._gathered) > self._length:
            yield self._one(item._replace(control=0), self._length, peer_max_length)
        if item.is_last:
            yield self._one(item, len(self._gathered), peer_max_length)

    def _one(self, item: Pdv, size: int, peer_max_length: int) -> bytes:
        data, self._gathered = self._gathered[:size], self._gathered[size:]
        # a peer that announced no maximum can't be sent too much
        self.happened |= 0 < peer_max_length < size + _HEADERS
        return p_data([item._replace(data=data)])
