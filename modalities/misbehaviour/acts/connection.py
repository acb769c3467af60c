"""What happens to the connection, whatever is said on it."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from typing import Final, Literal

from pydantic import Field

from dicom.association.ends import Caller, Target
from dicom.association.link import connect
from dicom.association.upper_layer import ASSOCIATE_RQ
from dicom.ladder import StoppedError
from modalities.misbehaviour.act import LONGEST, Act, HangUp, Pause, Script, Step, act
from modalities.misbehaviour.scripts import AtByte


@act
class HangUpAt(Act):
    """After so many bytes this side resets the TCP connection, or closes it."""

    kind: Literal["hang-up"] = "hang-up"
    after_bytes: int = Field(4096, ge=0, description="sent on the connection before")
    how: Literal["reset", "close"] = "reset"

    def script(self) -> Script:
        """Go away."""
        return _Away(self)


class _Away(AtByte):
    def __init__(self, how: HangUpAt) -> None:
        super().__init__(how.after_bytes)
        self._how = how.how

    def deed(self, rest: bytes) -> Iterator[Step]:
        yield HangUp(self._how)


@act
class Stall(Act):
    """After so many bytes nothing is sent for so many seconds, or until the peer loses patience."""

    kind: Literal["stall"] = "stall"
    after_bytes: int = Field(4096, ge=0, description="sent on the connection before")
    seconds: float = Field(2.0, gt=0, le=LONGEST)

    @property
    def lasts(self) -> float:
        """The pause."""
        return self.seconds

    def script(self) -> Script:
        """Wait once."""
        return _Stalling(self)


class _Stalling(AtByte):
    def __init__(self, how: Stall) -> None:
        super().__init__(how.after_bytes)
        self._seconds = how.seconds

    def deed(self, rest: bytes) -> Iterator[Step]:
        yield Pause(self._seconds)
        yield rest


#: What an A-ASSOCIATE-RQ of ours has about.
_PROMISED: Final = 205
_VERSION: Final = 1


@act
class HeldConnections(Act):
    """While the association goes on, other connections of this side are open and get nowhere.

    Each says nothing, as a port monitor does, or half of an A-ASSOCIATE-RQ. They are closed when
    the association is over, so they last no longer than its timeouts.
    """

    kind: Literal["held-connections"] = "held-connections"
    count: int = Field(1, ge=1, le=16)
    said: Literal["nothing", "half-request"] = "nothing"

    def script(self) -> Script:
        """The association itself is in order."""
        script = Script()
        script.happened = True
        return script

    @contextlib.contextmanager
    def beside(self, target: Target, caller: Caller) -> Iterator[None]:
        """Open them first, so that the peer takes them first."""
        with contextlib.ExitStack() as held:
            # an address that does not answer is the association's to report
            with contextlib.suppress(StoppedError, OSError):
                for _ in range(self.count):
                    connection = connect(target.host, target.port, caller.timeouts.connect)
                    held.enter_context(connection)
                    if self.said == "half-request":
                        connection.sendall(_half_request(target.called, caller.calling))
            yield


def _half_request(called: str, calling: str) -> bytes:
    """An A-ASSOCIATE-RQ up to its titles (PS3.8 table 9-11), which announces the rest."""
    titles = called.encode().ljust(16)[:16] + calling.encode().ljust(16)[:16]
    return struct.pack(">BBLHH", ASSOCIATE_RQ, 0, _PROMISED, _VERSION, 0) + titles
