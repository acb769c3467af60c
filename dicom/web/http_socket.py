"""The socket of a web request: time limits per stage, and failures with names."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import Final

from dicom.association.tls import alert_of
from dicom.ladder import Rung, Signature, StoppedError

#: Reading on after the peer took no more data: what it said before is there, or it is not.
_GLANCE: Final = 0.1
#: The longest that the body of an answer may take in all, in seconds.
_LONGEST_BODY: Final = 600.0
_FIRST: Final = 32
#: Bytes read at once.
_IN_HEAD: Final = 1 << 13
_IN_BODY: Final = 1 << 16


class HttpSocket:
    """Sends and receives bytes, whatever they mean.

    A send that fails is remembered, not raised: a server that refuses a request early (401, 413)
    may have said so before it stopped reading, and that is the reason.

    Args:
        connection: open; TLS or not.
        head: seconds for the head of the response, counted from the end of the request.
        block: seconds for each block of the request, and of the response's body.

    Attributes:
        failure: what ended the connection, as soon as something did.
        sent, received: bytes.
        first_bytes: the beginning of what the server sent.
    """

    def __init__(self, connection: socket.socket, head: float, block: float) -> None:
        self._connection = connection
        self._head, self._block = head, block
        self._deadline = time.monotonic()
        self._head_is_here = False
        self.failure: StoppedError | None = None
        self.sent = self.received = 0
        self.first_bytes = b""

    def sendall(self, data: bytes) -> None:
        """Send ``data``, at most ``block`` seconds; what fails is remembered."""
        if self.failure is not None:
            return
        self._connection.settimeout(self._block)
        try:
            self._connection.sendall(data)
        except TimeoutError:
            words = f"the server took no more data for {self._block:g} s"
            self.failure = StoppedError(Rung.DIMSE, Signature(kind="timeout"), words)
        except OSError as error:
            self.failure = self._why(error)
        else:
            self.sent += len(data)

    def sent_all(self) -> None:
        """From now on the head of the response is waited for."""
        patience = self._head if self.failure is None else min(self._head, _GLANCE)
        self._deadline = time.monotonic() + patience

    def in_body(self) -> None:
        """From now on the body of the response is waited for, block by block."""
        self._deadline = time.monotonic() + _LONGEST_BODY
        self._head_is_here = True

    def receive(self) -> bytes:
        """What the server sends next; nothing when it has closed.

        Raises:
            StoppedError: at ``dimse``: reset, timeout; at ``tls``: alert.
        """
        patience = self._block if self._head_is_here else self._head
        left = self._deadline - time.monotonic()
        self._connection.settimeout(max(min(left, patience), 0.001))
        try:
            data = self._connection.recv(_IN_BODY if self._head_is_here else _IN_HEAD)
        except TimeoutError as error:
            if self.failure is None:
                words = f"no answer within {patience:g} s{self._so_far()}"
                self.failure = StoppedError(Rung.DIMSE, Signature(kind="timeout"), words)
            raise self.failure from error
        except OSError as error:
            why = self._why(error)
            # an alert says more than the failed send before it
            if self.failure is None or why.signature.kind == "alert":
                self.failure = why
            raise self.failure from error
        if len(self.first_bytes) < _FIRST:
            self.first_bytes += data[:_FIRST]
        self.received += len(data)
        return data

    def end(self) -> None:
        """Close the connection; idempotent."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
        self._connection.close()

    def _why(self, error: OSError) -> StoppedError:
        words = f"{error.strerror or error}{self._so_far()}"
        if isinstance(error, ssl.SSLError):
            alert = alert_of(error)
            if alert is not None and not self.received:
                # TLS 1.3: the server judges our certificate after our handshake
                return StoppedError(Rung.TLS, Signature(kind="alert", code=alert), words)
            return StoppedError(Rung.DIMSE, Signature(kind="closed"), words)
        return StoppedError(Rung.DIMSE, Signature(kind="reset"), words)

    def _so_far(self) -> str:
        return f" after {self.received} bytes of an answer" if self.received else ""
