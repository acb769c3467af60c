"""An acceptor's end of a connection, in PDUs; what may come on it is for rules to say."""

from __future__ import annotations

import selectors
import socket
import ssl
from typing import Final

from dicom.association.rules import Abort, PduRules
from dicom.association.upper_layer import P_DATA
from dicom.tracing.boundaries import PDU_HEADER, PduHeader, pdu_header
from dicom.tracing.pdu_words import PDU_KINDS
from dicom.tracing.tracer import StreamTracer

_RECEIVE: Final = 1 << 16


class ConnectionLostError(Exception):
    """The connection is over; the message says how."""


class BrokenProtocolError(Exception):
    """The peer broke the protocol; ``how`` says how the association is aborted."""

    def __init__(self, how: Abort, words: str) -> None:
        super().__init__(words)
        self.how = how


class PduStream:
    """Reads and writes PDUs on ``connection``.

    Args:
        rules: which PDUs are refused by their header.
        patience: seconds that the peer may take no data, None for any.
        tracer: sees what passes.

    Attributes:
        max_length: longest P-DATA-TF that was announced to be taken, in bytes.
    """

    def __init__(
        self,
        connection: socket.socket,
        rules: PduRules,
        patience: float | None,
        tracer: StreamTracer | None,
    ) -> None:
        self._connection, self._rules = connection, rules
        self._patience, self._tracer = patience, tracer
        self._buffer = bytearray()
        self.max_length = 0

    def next_type(self, timeout: float | None) -> int:
        """Type of the PDU to come, once its header is there.

        Raises:
            TimeoutError: nothing came for ``timeout`` seconds.
            ConnectionLostError: closed or reset.
        """
        return self._read(PDU_HEADER, timeout)[0]

    def read(self, timeout: float | None) -> bytes:
        """The next PDU; each wait for more of it lasts up to ``timeout`` seconds.

        Raises:
            TimeoutError: nothing came in that time.
            ConnectionLostError: closed or reset.
            BrokenProtocolError: no such PDU is taken.
        """
        header = pdu_header(self._read(PDU_HEADER, timeout))
        self._require_taken(header)
        pdu = self._read(header.size, timeout)
        del self._buffer[: header.size]
        return pdu

    def readable(self) -> bool:
        """Whether there is something to read, or the connection's end."""
        if self._buffer:
            return True
        if isinstance(self._connection, ssl.SSLSocket) and self._connection.pending():
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            return bool(selector.select(0))

    def send(self, pdu: bytes) -> None:
        """Send all of ``pdu``.

        Raises:
            ConnectionLostError: closed, reset, or nothing is taken any more.
        """
        if self._tracer is not None:
            # before it is sent: whoever has the answer may look at the trace at once
            self._tracer.feed("acceptor", pdu)
        try:
            self._connection.settimeout(self._patience)
            self._connection.sendall(pdu)
        except OSError as error:
            raise ConnectionLostError(f"connection lost while sending: {error}") from error

    def _require_taken(self, header: PduHeader) -> None:
        """By its header: what a peer announces must not decide how much memory it gets."""
        pdu_type, length = header
        rules = self._rules
        if pdu_type not in PDU_KINDS:
            raise BrokenProtocolError(rules.unknown_pdu, f"unknown PDU type {pdu_type:#04x}")
        if rules.larger_pdu is not None and pdu_type == P_DATA and length > self.max_length:
            words = f"PDU of {length} bytes, announced maximum is {self.max_length}"
            raise BrokenProtocolError(rules.larger_pdu, words)
        if length > rules.largest_pdu:
            raise BrokenProtocolError(rules.largest_pdu_abort, f"PDU of {length} bytes")

    def _read(self, size: int, timeout: float | None) -> bytes:
        """The first ``size`` bytes not consumed yet."""
        while len(self._buffer) < size:
            try:
                self._connection.settimeout(timeout)
                data = self._connection.recv(_RECEIVE)
            except TimeoutError:
                raise
            except OSError as error:
                raise ConnectionLostError(f"connection lost: {error.strerror}") from error
            if not data:
                raise ConnectionLostError("connection closed by the peer")
            if self._tracer is not None:
                self._tracer.feed("requestor", data)
            self._buffer += data
        return bytes(self._buffer[:size])
