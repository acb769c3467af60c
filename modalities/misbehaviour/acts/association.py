"""Association requests, releases and aborts that are not as they should be (PS3.8 section 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field
from pynetdicom.dimse_messages import C_ECHO_RQ
from pynetdicom.dimse_primitives import C_ECHO
from pynetdicom.pdu import P_DATA_TF

from dicom.association import upper_layer
from dicom.association.upper_layer import ASSOCIATE_RQ, RELEASE_RQ
from modalities.misbehaviour.act import LONGEST, Act, HangUp, Script, Silence, Step, act
from modalities.misbehaviour.scripts import OnFirst


@act
class HalfRequest(Act):
    """Half of the A-ASSOCIATE-RQ is sent; then this side says nothing, or hangs up."""

    kind: Literal["half-request"] = "half-request"
    then: Literal["silence", "close", "reset"] = "silence"
    seconds: float = Field(8.0, gt=0, le=LONGEST, description="how long it listens in silence")

    @property
    def lasts(self) -> float:
        """The silence."""
        return self.seconds

    def script(self) -> Script:
        """Send the first half."""
        return _Half(self)


class _Half(OnFirst):
    def __init__(self, how: HalfRequest) -> None:
        super().__init__(ASSOCIATE_RQ)
        self._how = how

    def deed(self, pdu: bytes) -> Iterator[Step]:
        yield pdu[: len(pdu) // 2]
        yield Silence(self._how.seconds) if self._how.then == "silence" else HangUp(self._how.then)


@act
class DataBeforeAssociation(Act):
    """A C-ECHO-RQ goes out before the A-ASSOCIATE-RQ (PS3.8 9.2: unexpected PDU)."""

    kind: Literal["data-before-association"] = "data-before-association"

    def script(self) -> Script:
        """Put it in."""
        return _Hasty(ASSOCIATE_RQ)


class _Hasty(OnFirst):
    def deed(self, pdu: bytes) -> Iterator[Step]:
        request = C_ECHO()
        request.MessageID = 1
        request.AffectedSOPClassUID = "1.2.840.10008.1.1"
        message = C_ECHO_RQ()
        message.primitive_to_message(request)
        for primitive in message.encode_msg(1, 16384):
            yield P_DATA_TF(primitive).encode()
        yield pdu


@act
class NoRelease(Act):
    """The connection ends where the A-RELEASE-RQ should stand."""

    kind: Literal["no-release"] = "no-release"
    how: Literal["close", "reset"] = "close"

    def script(self) -> Script:
        """Hang up."""
        return _Away(self.how)


class _Away(OnFirst):
    def __init__(self, how: Literal["close", "reset"]) -> None:
        super().__init__(RELEASE_RQ)
        self._how = how

    def deed(self, pdu: bytes) -> Iterator[Step]:
        yield HangUp(self._how)


@act
class ReleaseCollision(Act):
    """A-RELEASE-RQ and A-RELEASE-RP at once, as if requests had collided (PS3.8 7.2.2.7)."""

    kind: Literal["release-collision"] = "release-collision"

    def script(self) -> Script:
        """Answer what nobody asked."""
        return _Collision(RELEASE_RQ)


class _Collision(OnFirst):
    def deed(self, pdu: bytes) -> Iterator[Step]:
        yield pdu
        yield upper_layer.release_response()


@act
class AbortAt(Act):
    """A-ABORT instead of the first PDU that would go beyond so many bytes (PS3.8 9.3.8)."""

    kind: Literal["abort"] = "abort"
    after_bytes: int = Field(4096, ge=0, description="sent on the connection at most before")
    by: Literal["user", "provider"] = "user"
    reason: int = Field(0, ge=0, le=6, description="the provider's, PS3.8 table 9-26")

    def script(self) -> Script:
        """Between two PDUs: inside one the peer would take it for data."""
        return _Aborting(self)


class _Aborting(Script):
    def __init__(self, how: AbortAt) -> None:
        self._left = how.after_bytes
        source = 0 if how.by == "user" else 2
        self._abort = upper_layer.abort(source, how.reason)

    def outgoing(self, pdu: bytes, peer_max_length: int) -> Iterator[Step]:
        self._left -= len(pdu)
        if self._left >= 0:
            yield pdu
            return
        self.happened = True
        yield self._abort
        yield Silence(0.0)
