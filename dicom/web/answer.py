"""What a DICOMweb origin server answers, as far as it comes."""

from __future__ import annotations

from typing import Final

import h11

from dicom.ladder import Rung, Signature, StoppedError
from dicom.web.http_socket import HttpSocket

#: A longer answer that is to be read as a whole (JSON) is refused.
_LONGEST_TEXT: Final = 256 * 1024 * 1024
_PROTOCOL: Final = b"HTTP/"
_WORDS_KEPT: Final = 300
#: Headers that say why a request was refused, or what a success left out.
TELLING: Final = ("WWW-Authenticate", "Location", "Warning", "Allow")


class WebAnswer:
    """A response whose head has arrived; its body is read as it comes.

    Attributes:
        status: HTTP status code.
    """

    def __init__(self, response: h11.Response, wire: h11.Connection, socket: HttpSocket) -> None:
        self._response, self._wire, self._socket = response, wire, socket
        self._unread, self._over = b"", False
        self.status = response.status_code
        self.received = 0

    def header(self, name: str) -> str:
        """A header's value; empty where there is none."""
        wanted = name.lower().encode()
        values = (
            value.decode("latin-1") for each, value in self._response.headers if each == wanted
        )
        return next(values, "")

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def read(self, size: int) -> bytes:
        """At most ``size`` more bytes of the body; none at its end.

        Raises:
            StoppedError: at ``dimse``: closed, reset, timeout.
        """
        while not (self._unread or self._over):
            try:
                event = next_event(self._wire, self._socket)
            except h11.RemoteProtocolError as error:
                raise self._cut_off() from error
            if isinstance(event, h11.Data):
                self._unread = bytes(event.data)
            else:
                self._over = True
        data, self._unread = self._unread[:size], self._unread[size:]
        self.received += len(data)
        return data

    def text(self) -> bytes:
        """The whole (rest of the) body.

        Raises:
            StoppedError: as ``read``; not-dicom where it is longer than any answer may be.
        """
        parts: list[bytes] = []
        while data := self.read(1 << 16):
            parts.append(data)
            if self.received > _LONGEST_TEXT:
                words = f"an answer of more than {_LONGEST_TEXT} bytes"
                raise StoppedError(Rung.DIMSE, Signature(kind="not-dicom"), words)
        return b"".join(parts)

    def words(self, body: bytes = b"") -> str:
        """``401 Unauthorized; WWW-Authenticate: Basic …; <the body's beginning>``."""
        said = [f"{self.status} {self._response.reason.decode('latin-1')}".strip()]
        said += [f"{name}: {value}" for name in TELLING if (value := self.header(name))]
        said.append(" ".join(body[:_WORDS_KEPT].decode("utf-8", "replace").split()))
        return "; ".join(filter(None, said))

    def refused(self, body: bytes | None = None) -> StoppedError:
        """The error that a status other than 2xx is; reads the body for its words."""
        if body is None:
            try:
                body = self.text()
            except StoppedError as stopped:  # the status says it all
                body = stopped.comment.encode()
        code = Signature(kind="http", code=str(self.status))
        return StoppedError(Rung.DIMSE, code, self.words(body))

    def _cut_off(self) -> StoppedError:
        if self._socket.failure is not None:
            return self._socket.failure
        words = f"the answer was cut off after {self.received} bytes"
        return StoppedError(Rung.DIMSE, Signature(kind="closed"), words)


def next_event(wire: h11.Connection, socket: HttpSocket) -> h11.Event:
    """What the server says next.

    Raises:
        RemoteProtocolError: it is not HTTP, or ends too early.
        StoppedError: as ``HttpSocket.receive``.
    """
    while True:
        event = wire.next_event()
        if isinstance(event, h11.Event):
            return event
        wire.receive_data(socket.receive())
        # the end of its head would be waited for in vain
        if not socket.first_bytes.startswith(_PROTOCOL[: len(socket.first_bytes)]):
            raise h11.RemoteProtocolError("no status line")
