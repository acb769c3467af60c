"""The DICOM port: accepts connections, sorts out TLS and garbage, and ends at once when told."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
import traceback
from collections.abc import Callable
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Condition, Event, Thread
from typing import Any, Final

from dicom.association.rules import PortRules
from dicom.association.upper_layer import ABORT, ASSOCIATE_AC, ASSOCIATE_RQ

_POLL_SECONDS: Final = 0.02
_LINGER_SECONDS: Final = 1.0
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
#: First byte of a PDU by its type (PS3.8 9.3.1), and of a TLS handshake record (RFC 8446 5.1).
_ASSOCIATE_RQ: Final = bytes([ASSOCIATE_RQ])
_OTHER_PDUS: Final = frozenset(bytes([each]) for each in range(ASSOCIATE_AC, ABORT))
_TLS_HANDSHAKE: Final = b"\x16"

#: Serves one connection until it ends; calls the event once its association is established or
#: refused.
Serve = Callable[[socket.socket, str, Event], None]


class DicomPort:
    """Listens from the start; every connection is served by a thread of its own.

    Args:
        address: host and port, port 0 for any free one (then read ``port``).
        rules: for connections that are no association yet.
        tls: gives the context in force for new connections, None for plain TCP.
        serve: serves a connection that speaks DICOM.
        log: told of connections that never became associations.
        unsecured: told of a TLS handshake that failed: who the peer is, and why.

    Raises:
        OSError: the port can't be bound.
    """

    def __init__(
        self,
        address: tuple[str, int],
        rules: PortRules,
        tls: Callable[[], ssl.SSLContext | None],
        serve: Serve,
        log: Callable[[str], None],
        unsecured: Callable[[str, Exception], None],
    ) -> None:
        self._rules, self._tls, self._serve, self._log = rules, tls, serve, log
        self._unsecured = unsecured
        self._changed = Condition()
        self._connections: dict[socket.socket, Event] = {}
        self._stopping = False
        self._server = _Server(address, self)
        self.port: int = self._server.server_address[1]
        self._thread = Thread(
            target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True, name="dicom"
        )
        self._thread.start()

    def stop(self, patience: float = 0.0) -> None:
        """Stop listening and cut every connection; idempotent.

        Args:
            patience: seconds to wait for what is done on them to end.
        """
        self._cut()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._cut()  # what was accepted meanwhile
        with self._changed:
            self._changed.wait_for(lambda: not self._connections, patience)

    def _cut(self) -> None:
        with self._changed:
            self._stopping = True
            connections = dict(self._connections)
        for connection, settled in connections.items():
            settled.set()
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def accepted(self, connection: socket.socket) -> Event:
        """Note a new connection; the event says when its association is settled."""
        settled = Event()
        with self._changed:
            if self._stopping:
                settled.set()
            self._connections[connection] = settled
        return settled

    def settle(self, settled: Event) -> None:
        """Hold back further connections where one is established at a time (F22a)."""
        if self._rules.one_at_a_time:
            settled.wait()

    def handle(self, connection: socket.socket, peer: str) -> None:
        """Serve one connection in the calling thread, and close it."""
        with self._changed:
            settled = self._connections[connection]
        served = connection
        try:
            connection.settimeout(self._rules.association_timeout)
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers_all = self._rules.garbage == "abort"
            first = b"" if answers_all else self._first_byte(connection, peer)
            context = self._tls() if first or answers_all else None
            if context is not None and (answers_all or first == _TLS_HANDSHAKE):
                served = self._wrap(connection, context)
                if self._handshakes(served, peer):
                    self._serve(served, peer, settled)
            elif context is None and (answers_all or self._is_pdu(first)):
                self._serve(served, peer, settled)
            elif first:
                wanted = "DICOM" if context is None else "TLS"
                self._log(f"connection from {peer} closed: not {wanted}, starts {first.hex()}")
                if context is None:
                    self._turn_away(connection)
                return
            _close(served)
        finally:
            settled.set()
            with self._changed:
                self._connections.pop(served, None)
                self._changed.notify_all()

    def _is_pdu(self, first: bytes) -> bool:
        """Whether it is taken for DICOM; an A-ABORT of nothing never is."""
        hasty = first in _OTHER_PDUS and self._rules.hasty_pdu is not None
        return first == _ASSOCIATE_RQ or hasty

    def failed(self, peer: str) -> None:
        """Log a defect of this side: the connection is lost, all others live on."""
        self._log(f"connection from {peer} lost: {traceback.format_exc()}")

    def _first_byte(self, connection: socket.socket, peer: str) -> bytes:
        """What the peer begins with, left where it is; empty if it says nothing (F22a)."""
        try:
            return connection.recv(1, socket.MSG_PEEK)
        except OSError as error:
            self._log(f"connection from {peer} ended before it said anything: {error}")
            return b""

    def _wrap(self, connection: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
        """TLS moves the connection into a socket of its own, which ``stop`` has to know."""
        secured = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self._changed:
            self._connections[secured] = self._connections.pop(connection)
            if self._stopping:
                secured.close()
        return secured

    def _handshakes(self, secured: ssl.SSLSocket, peer: str) -> bool:
        try:
            secured.do_handshake()
        except (OSError, ValueError) as error:
            self._unsecured(peer, error)
            return False
        return True

    def _turn_away(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._rules.garbage == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                connection.close()
            else:
                # Unread bytes would make the kernel reset the connection instead of closing it.
                connection.settimeout(0)
                connection.recv(1 << 20)


def _close(connection: socket.socket) -> None:
    """Close so that the peer can still read what was sent last (an A-ABORT, a rejection).

    Unread bytes at closing time would turn the close into a reset; the requestor is given a
    moment to close first, as PS3.8 has it for state 13.
    """
    deadline = time.monotonic() + _LINGER_SECONDS
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(1 << 16):
                break
    connection.close()


class _Server(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], port: DicomPort) -> None:
        self.port = port
        super().__init__(address, _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        settled = self.port.accepted(request)
        super().process_request(request, client_address)
        self.port.settle(settled)

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.port.failed(f"{client_address[0]}:{client_address[1]}")


class _Connection(BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        host, port = self.client_address[:2]
        self.server.port.handle(self.request, f"{host}:{port}")
