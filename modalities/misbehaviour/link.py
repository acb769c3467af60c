"""A link, and an association, that follow a script instead of the standard."""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct
import time
from collections.abc import Sequence
from typing import Final

from pynetdicom.pdu import A_ASSOCIATE_AC

from dicom.association.ends import Caller, Target
from dicom.association.link import Link, LinkLostError
from dicom.association.requestor import Association
from dicom.association.upper_layer import ASSOCIATE_AC
from dicom.errors import UsageError
from dicom.ladder import Signature
from dicom.tracing.tracer import StreamTracer
from modalities.misbehaviour.act import Act, HangUp, Pause, Script, Silence, Step

_RECEIVE: Final = 1 << 16
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


class MisbehavingLink(Link):
    """Sends what ``script`` makes of each PDU; reads as every link does.

    Args:
        connection, tracer: as of ``Link``.
        script: of this association.
        words: what is done, for comments.
    """

    def __init__(
        self, connection: socket.socket, tracer: StreamTracer, script: Script, words: str
    ) -> None:
        super().__init__(connection, tracer)
        self._script = script
        self._words = words
        self._peer_max_length = 0
        self._silent = False
        self._listens_for = 0.0

    def send(self, data: bytes, timeout: float) -> None:
        """Carry the script out on one whole PDU; see ``Link.send``."""
        if self._silent:
            return
        for step in self._script.outgoing(data, self._peer_max_length):
            if isinstance(step, bytes):
                super().send(step, timeout)
            else:
                self._do(step)

    def receive(self, timeout: float) -> tuple[int, bytes]:
        """The next PDU that the script lets pass; in silence the wait may be longer."""
        seconds = max(timeout, self._listens_for)
        deadline = time.monotonic() + seconds
        try:
            while True:
                pdu_type, pdu = super().receive(max(deadline - time.monotonic(), 0.001))
                if pdu_type == ASSOCIATE_AC:
                    self._peer_max_length = _announced(pdu)
                if self._script.passes(pdu):
                    return pdu_type, pdu
        except LinkLostError as lost:
            if not self._script.happened:
                raise
            words = f"no answer within {seconds:g} s" if lost.signature.kind == "timeout" else ""
            raise LinkLostError(
                lost.signature, f"after '{self._words}': {words or lost.comment}"
            ) from lost

    def _do(self, step: Step) -> None:
        match step:
            case Pause(seconds):
                self._pause(seconds)
            case Silence(seconds):
                self._silent, self._listens_for = True, seconds
            case HangUp("close"):
                self._silent = True
                with contextlib.suppress(OSError):  # the peer was faster
                    self._connection.shutdown(socket.SHUT_WR)
            case HangUp("reset"):
                self._silent = True
                self._reset()
                words = "this side reset the connection"
                self._lost = LinkLostError(Signature(kind="reset"), words)

    def _pause(self, seconds: float) -> None:
        """Whatever the peer says, and its end of the connection, ends the pause."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            while selector.select(max(deadline - time.monotonic(), 0.0)):
                if not isinstance(self._connection, ssl.SSLSocket) or self._said(self._connection):
                    return

    def _said(self, connection: ssl.SSLSocket) -> bool:
        """Whether TLS has something of the peer's, which is kept; session tickets are nothing."""
        connection.settimeout(0.0)
        try:
            data = connection.recv(_RECEIVE)
        except ssl.SSLWantReadError:
            return False
        except OSError as error:
            self._lost = self._why(error)
            return True
        if data:
            self._tracer.feed("acceptor", data)
            self._buffer += data
        return True

    def _reset(self) -> None:
        connection = self._connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        connection.close()


class MisbehavingAssociation(Association):
    """An association that does ``act``, however it goes on; arguments as of ``Association``."""

    def __init__(
        self,
        act: Act,
        target: Target,
        caller: Caller,
        contexts: Sequence[tuple[str, Sequence[str]]],
        tls: ssl.SSLContext | None,
        observer: str,
    ) -> None:
        super().__init__(target, caller, contexts, tls, observer)
        self._words = str(act)
        self._script = act.script()

    def require_happened(self) -> None:
        """Nothing, where the misbehaviour has taken place.

        Raises:
            UsageError: all went by the standard, which must not be taken for a result.
        """
        if not self._script.happened:
            raise UsageError(
                f"'{self._words}' never took place: the association was over before its turn came."
                " Send more or larger objects, or let it come sooner"
            )

    def _linked(self, connection: socket.socket) -> Link:
        return MisbehavingLink(connection, self._tracer, self._script, self._words)


def _announced(pdu: bytes) -> int:
    """Maximum length that an A-ASSOCIATE-AC announces, 0 where it says nothing readable."""
    answer = A_ASSOCIATE_AC()
    try:
        answer.decode(pdu)
        information = answer.user_information
        return int(information.maximum_length or 0) if information is not None else 0
    except Exception:  # noqa: BLE001  whatever a decoder makes of it, the association reports it
        return 0
