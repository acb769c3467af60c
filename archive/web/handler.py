"""DICOMweb and the control channel on one port.

The standard library's ``http.server`` frames requests and replies; h11 reads what it leaves to its
users, bodies in chunks.
"""

from __future__ import annotations

import contextlib
from http import HTTPStatus
from io import BufferedReader
from typing import ClassVar, Final, cast

import h11

from archive.web.messages import WebReply, WebRequest
from archive.web.service import DicomWebService, below
from dicom.control import ControlHandler
from dicom.web.multipart import Readable

#: A client that is refused may still be sending: that much is read, so that it sees the reply.
_DRAINED: Final = 16 * 1024 * 1024
_BLOCK: Final = 1 << 16
#: The head of a request with a body in chunks, as far as h11 has to know it.
_HEAD: Final = b"POST / HTTP/1.1\r\nHost: archive\r\nTransfer-Encoding: chunked\r\n\r\n"


class WebHandler(ControlHandler):
    """Requests below the services' root are DICOMweb, every other one is a verb."""

    service: ClassVar[DicomWebService]
    timeout: ClassVar[float] = 60.0
    """Seconds that a client may fall silent for."""

    def do_GET(self) -> None:
        """QIDO-RS, WADO-RS."""
        self._web()

    def do_POST(self) -> None:
        """STOW-RS; or a verb."""
        if self.path.strip("/") in self.verbs:
            super().do_POST()
        else:
            self._web()

    def do_PUT(self) -> None:
        """No resource has it; the reply says so."""
        self._web()

    def do_DELETE(self) -> None:
        """No resource has it; the reply says so."""
        self._web()

    def _web(self) -> None:
        path, _, query = self.path.partition("?")
        root = self.service.root
        length = self.headers.get("Content-Length") or "0"
        body: Readable = _Sized(self.rfile, int(length) if length.isdecimal() else 0)
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = _Chunked(cast(BufferedReader, self.rfile))
        host = self.headers.get("Host") or "localhost"
        reply = self.service.answer(
            WebRequest(
                method=self.command,
                path=below(root, path),
                query=query,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=body,
                base=f"http://{host}{root}",
                peer=str(self.client_address[0]),
            )
        )
        if not _read_on(body):
            self.close_connection = True
        with contextlib.suppress(ConnectionError):
            self._reply(reply)

    def _reply(self, reply: WebReply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(reply.length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        for piece in reply.pieces:
            for block in piece.blocks():
                self.wfile.write(block)


def web_handler(service: DicomWebService) -> type[WebHandler]:
    """The handler of one archive's requests."""
    return type("Handler", (WebHandler,), {"service": service})


class _Sized:
    """A body of known length."""

    def __init__(self, stream: Readable, length: int) -> None:
        self._stream, self._left = stream, length

    def read(self, size: int, /) -> bytes:
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        return data


class _Chunked:
    """A body in chunks (RFC 9112 7.1), by h11; one that breaks the rules ends there."""

    def __init__(self, stream: BufferedReader) -> None:
        self._stream = stream
        self._wire = h11.Connection(h11.SERVER)
        self._wire.receive_data(_HEAD)
        self._wire.next_event()
        self._unread = b""
        self._seen = 0
        self._over = False

    def read(self, size: int, /) -> bytes:
        while not (self._unread or self._over):
            self._next()
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    def _next(self) -> None:
        try:
            event = self._wire.next_event()
            if event is h11.NEED_DATA:
                self._more()
        except h11.RemoteProtocolError:
            self._over = True
            return
        if isinstance(event, h11.Data):
            self._unread = bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            self._over = True
            self._stream.read(self._seen - len(self._wire.trailing_data[0]))

    def _more(self) -> None:
        """Look ahead: what follows the body is the next request's."""
        self._stream.read(self._seen)
        data = self._stream.peek()
        self._seen = len(data)
        self._wire.receive_data(data)


def _read_on(body: Readable) -> bool:
    """Read what is left of a body; whether that was all of it."""
    read = 0
    while read <= _DRAINED:
        data = body.read(_BLOCK)
        if not data:
            return True
        read += len(data)
    return False
