"""DICOMweb and the control channel on one port, over the standard library's HTTP server."""

from __future__ import annotations

import contextlib
import re
from http import HTTPStatus
from typing import ClassVar, Final

from archive.web.exchange import Reply, WebRequest
from archive.web.service import DicomWebService, below
from dicom.control import ControlHandler
from dicom.web.multipart import Readable

#: A client that is refused may still be sending: that much is read, so that it sees the reply.
_DRAINED: Final = 16 * 1024 * 1024
_BLOCK: Final = 1 << 16
#: The size of a chunk; ``int`` would also take a sign.
_HEXADECIMAL: Final = re.compile(rb"[0-9A-Fa-f]{1,16}")


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
            body = _Chunked(self.rfile)
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

    def _reply(self, reply: Reply) -> None:
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
    """A body in chunks (RFC 9112 7.1); one that breaks the rules ends there."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._left = 0
        self._over = False

    def read(self, size: int, /) -> bytes:
        if self._left == 0 and not self._over:
            self._next()
        if self._over:
            return b""
        data = self._stream.read(min(size, self._left))
        self._left -= len(data)
        self._over = not data
        if self._left == 0 and data:
            self._line()
        return data

    def _next(self) -> None:
        length = self._line().partition(b";")[0].strip()
        self._left = int(length, 16) if _HEXADECIMAL.fullmatch(length) else 0
        if self._left == 0:
            self._over = True
            for _ in range(100):  # trailers
                if not self._line().strip():
                    return

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n") and len(line) < _BLOCK:
            data = self._stream.read(1)
            if not data:
                break
            line += data
        return line


def _read_on(body: Readable) -> bool:
    """Read what is left of a body; whether that was all of it."""
    read = 0
    while read <= _DRAINED:
        data = body.read(_BLOCK)
        if not data:
            return True
        read += len(data)
    return False
