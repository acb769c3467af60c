"""One TCP (or TLS) connection that carries PDUs, with every failure told apart.

A diagnosis lives from the difference between a peer that closed, a peer that reset, a peer that
says nothing and a peer that refused our certificate. Each is its own ``LinkLostError`` here.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import ssl
import time
from typing import Final

from dicom.association.tls import alert_of, handshake_signature
from dicom.ladder import Rung, Signature, StoppedError
from dicom.tracing.boundaries import PDU_HEADER, pdu_header
from dicom.tracing.pdu_words import PDU_KINDS
from dicom.tracing.tracer import StreamTracer

_RECEIVE: Final = 1 << 16
#: A P-DATA-TF longer than this can't be what we asked for: maximum length is ours to announce.
_MAX_PDU: Final = 1 << 26
_UNREACHABLE: Final = frozenset(
    {
        errno.EHOSTUNREACH,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.ENETDOWN,
        errno.EACCES,
        errno.EPERM,
        errno.EADDRNOTAVAIL,
        errno.EINVAL,
    }
)


class LinkLostError(Exception):
    """The connection ended or fell silent: ``signature`` closed, reset, timeout, alert, not-dicom.

    ``comment`` says it in the words of the operating system or of OpenSSL.
    """

    def __init__(self, signature: Signature, comment: str) -> None:
        super().__init__(f"{signature}: {comment}")
        self.signature = signature
        self.comment = comment


def connect(host: str, port: int, timeout: float) -> socket.socket:
    """Resolve ``host`` (anew each time) and open one TCP connection with ``TCP_NODELAY``.

    Raises:
        StoppedError: at ``resolve`` (unresolved) or ``connect`` (refused, timeout, unreachable,
            reset).
    """
    try:
        connection = socket.create_connection((host, port), timeout)
    except (socket.gaierror, UnicodeError) as error:
        raise StoppedError(
            Rung.RESOLVE, Signature(kind="unresolved"), f"{host}: {_words(error)}"
        ) from error
    except TimeoutError as error:
        comment = f"no answer from {host}:{port} within {timeout:g} s"
        raise StoppedError(Rung.CONNECT, Signature(kind="timeout"), comment) from error
    except ConnectionRefusedError as error:
        raise StoppedError(Rung.CONNECT, Signature(kind="refused"), _words(error)) from error
    except ConnectionError as error:
        raise StoppedError(Rung.CONNECT, Signature(kind="reset"), _words(error)) from error
    except OSError as error:
        if error.errno not in _UNREACHABLE:
            raise
        raise StoppedError(Rung.CONNECT, Signature(kind="unreachable"), _words(error)) from error
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def start_tls(
    connection: socket.socket, context: ssl.SSLContext, host: str, timeout: float
) -> ssl.SSLSocket:
    """Handshake as a TLS client on ``connection`` (closed on failure).

    Raises:
        StoppedError: at ``tls``.
    """
    connection.settimeout(timeout)
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except OSError as error:
        connection.close()
        raise StoppedError(Rung.TLS, handshake_signature(error), _words(error)) from error


class Link:
    """Sends and receives PDUs on an open connection, as requestor, under the tracer's eyes."""

    def __init__(self, connection: socket.socket, tracer: StreamTracer) -> None:
        self._connection = connection
        self._tracer = tracer
        self._buffer = bytearray()
        self._lost: LinkLostError | None = None

    def send(self, data: bytes, timeout: float) -> None:
        """Send all of ``data``; at most ``timeout`` seconds.

        A send that fails because the peer is gone is remembered, not raised: what the peer said
        last (A-ABORT, A-ASSOCIATE-RJ, a TLS alert) may still wait to be read, and is the reason.

        Raises:
            LinkLostError: the peer takes no data any more (timeout).
        """
        if self._lost is not None:
            return
        self._connection.settimeout(timeout)
        try:
            self._connection.sendall(data)
        except TimeoutError as error:
            words = f"the peer took no more data for {timeout:g} s"
            # part of a PDU is out: nothing sent after it, not even an A-ABORT, would be understood
            self._lost = LinkLostError(Signature(kind="timeout"), words)
            raise self._lost from error
        except OSError as error:
            self._lost = self._why(error)
        else:
            self._tracer.feed("requestor", data)

    @property
    def broken(self) -> bool:
        """Whether a send failed: nothing more can be sent, what is there can still be read."""
        return self._lost is not None

    def receive(self, timeout: float) -> tuple[int, bytes]:
        """The next PDU as (type, all its bytes), within ``timeout`` seconds.

        Raises:
            LinkLostError: closed, reset, timeout, alert or not-dicom.
        """
        deadline = time.monotonic() + timeout
        header = pdu_header(self._read(PDU_HEADER, deadline, timeout))
        if header.pdu_type not in PDU_KINDS or header.length > _MAX_PDU:
            raise self._garbage()
        pdu = self._read(header.size, deadline, timeout)
        del self._buffer[: header.size]
        return header.pdu_type, pdu

    def waits(self, seconds: float, wake: socket.socket) -> bool:
        """Whether ``receive`` has something to read, or the peer's end, within ``seconds``.

        Ends early, with no, as soon as ``wake`` can be read.
        """
        if self._buffer or (
            isinstance(self._connection, ssl.SSLSocket) and self._connection.pending()
        ):
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            selector.register(wake, selectors.EVENT_READ)
            ready = selector.select(max(seconds, 0.0))
        return any(key.fileobj is self._connection for key, _ in ready)

    def close(self) -> None:
        """Close the connection; idempotent."""
        with contextlib.suppress(OSError):
            # what was sent last (an A-ABORT) must reach the peer before the connection ends
            self._connection.shutdown(socket.SHUT_WR)
        self._connection.close()

    def _read(self, size: int, deadline: float, timeout: float) -> bytes:
        """The first ``size`` bytes that are not consumed yet."""
        while len(self._buffer) < size:
            if self._buffer and self._buffer[0] not in PDU_KINDS:
                raise self._garbage()
            try:
                self._connection.settimeout(max(deadline - time.monotonic(), 0.001))
                data = self._connection.recv(_RECEIVE)
            except TimeoutError as error:
                words = f"no answer within {timeout:g} s{self._so_far()}"
                raise LinkLostError(Signature(kind="timeout"), words) from error
            except OSError as error:
                why = self._why(error)
                # an alert says more than the failed send before it
                raise why if why.signature.kind == "alert" else self._lost or why from error
            if not data:
                words = f"the peer closed the connection{self._so_far()}"
                raise self._lost or LinkLostError(Signature(kind="closed"), words)
            self._tracer.feed("acceptor", data)
            self._buffer += data
        return bytes(self._buffer[:size])

    def _garbage(self) -> LinkLostError:
        first = bytes(self._buffer[:32])
        return LinkLostError(Signature(kind="not-dicom"), f"expected a DICOM PDU, saw {first!r}")

    def _so_far(self) -> str:
        return f" after {len(self._buffer)} bytes of a PDU" if self._buffer else ""

    def _why(self, error: OSError) -> LinkLostError:
        if isinstance(error, ssl.SSLError):
            alert = alert_of(error)
            if alert is not None:
                return LinkLostError(Signature(kind="alert", code=alert), _words(error))
            return LinkLostError(Signature(kind="closed"), _words(error) + self._so_far())
        return LinkLostError(Signature(kind="reset"), _words(error) + self._so_far())


def _words(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return str(strerror or error or type(error).__name__)
