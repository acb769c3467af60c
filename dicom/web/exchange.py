"""One HTTP request to a DICOMweb origin server (PS3.18), with every failure told apart.

A library's HTTP client folds a refused connection, an untrusted certificate and a server that
falls silent into one exception, follows redirects and tries again. A diagnosis needs each by
itself, so the connection is opened rung by rung as for DICOM (``link``); the standard library's
``http.client`` only speaks the protocol on it. Each request has a connection of its own.
"""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

from dicom.association.ends import Timeouts
from dicom.association.link import connect, start_tls
from dicom.association.tls import client_context
from dicom.errors import UsageError
from dicom.ladder import Rung, Signature, StoppedError
from dicom.tracing.trace import AssociationTrace, TracedPdu
from dicom.web.http_socket import HttpSocket
from dicom.web.target import WebAuth, WebTarget

#: A longer answer that is to be read as a whole (JSON) is refused.
_LONGEST_TEXT: Final = 256 * 1024 * 1024
_WORDS_KEPT: Final = 300
#: Headers that say why a request was refused, or what a success left out.
_TELLING: Final = ("WWW-Authenticate", "Location", "Warning", "Allow")
#: How a trace calls what came instead.
_FOREIGN: Final[Mapping[str, str]] = {"not-http": "not HTTP", "not-dicom": "not DICOM"}
_ENDS: Final[Mapping[str, str]] = {
    "closed": "closed by acceptor",
    "alert": "closed by acceptor",
    "certificate": "closed by requestor",
    "not-tls": "closed by requestor",
    "not-http": "closed by requestor",
    "not-dicom": "closed by requestor",
    "http": "closed by requestor",
}


class WebAnswer:
    """A response whose head has arrived; its body is read as it comes.

    Attributes:
        status: HTTP status code.
    """

    def __init__(self, response: http.client.HTTPResponse, lost: HttpSocket) -> None:
        self._response, self._lost = response, lost
        self.status = response.status
        self.received = 0

    def header(self, name: str) -> str:
        """A header's value; empty where there is none."""
        return self._response.headers.get(name, "")

    @property
    def succeeded(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def read(self, size: int) -> bytes:
        """At most ``size`` more bytes of the body; none at its end.

        Raises:
            StoppedError: at ``dimse``: closed, reset, timeout.
        """
        try:
            data = self._response.read(size)
        except http.client.HTTPException as error:
            raise self._cut_off() from error
        self.received += len(data)
        missing = self._response.length
        if not data and missing and size:
            raise self._cut_off()
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
        said = [f"{self.status} {self._response.reason}".strip()]
        said += [f"{name}: {value}" for name in _TELLING if (value := self.header(name))]
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
        if self._lost.failure is not None:
            return self._lost.failure
        words = f"the answer was cut off after {self.received} bytes"
        return StoppedError(Rung.DIMSE, Signature(kind="closed"), words)


class WebExchange:
    """A connection for one request; leaving it as a context manager closes it.

    Args:
        target: the server.
        timeouts: ``connect`` as for DICOM, ``network`` for each block of the request, ``dimse``
            for the head of the response, ``network`` again for each block of its body.
        exchange: folder that TLS material is relative to.
        observer: our name in the trace.
    """

    def __init__(
        self, target: WebTarget, timeouts: Timeouts, exchange: Path, observer: str
    ) -> None:
        self._target, self._timeouts, self._exchange = target, timeouts, exchange
        self._observer = observer
        self._opened_at, self._opened = time.time(), time.monotonic()
        self._pdus: list[TracedPdu] = []
        self._end = "closed by requestor"
        self._socket: HttpSocket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, StoppedError):
            signature = error.signature
            self._end = _ENDS.get(signature.kind, signature.kind)
            received = self._socket.received if self._socket else 0
            if signature.kind == "alert":
                fields = {"alert": signature.code}
                self._note("acceptor", "TLS alert", received, error.comment, fields)
            elif signature.kind in _FOREIGN:
                self._note("acceptor", _FOREIGN[signature.kind], received, error.comment, {})
        if self._socket is not None:
            self._socket.end()

    def request(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: Iterable[bytes] = (),
        length: int | None = 0,
    ) -> WebAnswer:
        """Send the request and wait for the head of its response.

        Args:
            method: of HTTP.
            path: below the target's root, percent-encoded, with its query.
            headers: besides Host and Authorization.
            body: its blocks.
            length: the body's bytes; None sends it in chunks (RFC 9112 7.1).

        Raises:
            StoppedError: at ``resolve``, ``connect``, ``tls``, or at ``dimse``: closed, reset,
                timeout, not-http. A status that is no success is an answer.
            UsageError: the path can't stand in a request.
        """
        self._socket = self._connected()
        client = http.client.HTTPConnection(self._target.host, self._target.port)
        client.sock = cast(socket.socket, self._socket)
        full = f"{self._target.root}{path}"
        sent = {"Host": self._target.authority, "Connection": "close", **headers}
        if self._target.auth is not None:
            sent["Authorization"] = _credentials(self._target.auth)
        if length is None:
            sent["Transfer-Encoding"] = "chunked"
        elif length or method == "POST":
            sent["Content-Length"] = str(length)
        try:
            blocks = None if length == 0 else self._while_taken(body)
            client.request(method, full, blocks, sent, encode_chunked=length is None)
        except (http.client.InvalidURL, UnicodeEncodeError, ValueError) as error:
            raise UsageError(
                f"{full!r} can't be asked for: {error}. Expected a path whose special characters"
                " are percent-encoded."
            ) from error
        self._note(
            "requestor",
            f"HTTP {method}",
            self._socket.sent,
            f"{method} {full}",
            {"content_type": headers.get("Content-Type", ""), "accept": headers.get("Accept", "")},
        )
        self._socket.sent_all()
        return self._answered(client, self._socket)

    def trace(self) -> AssociationTrace:
        """The exchange as a trace: the request, the response's head, how the connection ended."""
        return AssociationTrace(
            observer=self._observer,
            opened_at=self._opened_at,
            requestor=self._observer,
            acceptor=self._target.authority,
            pdus=tuple(self._pdus),
            end=self._end,
            encrypted=False,
        )

    def _connected(self) -> HttpSocket:
        target, patience = self._target, self._timeouts.connect
        context = None if target.tls is None else client_context(target.tls, self._exchange)
        connection: socket.socket = connect(target.host, target.port, patience)
        if context is not None:
            connection = start_tls(connection, context, target.host, patience)
        return HttpSocket(connection, self._timeouts.dimse, self._timeouts.network)

    def _while_taken(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """The blocks of a body, until the server takes no more."""
        for block in body:
            if self._socket is None or self._socket.failure is not None:
                return
            yield block

    def _answered(self, client: http.client.HTTPConnection, wire: HttpSocket) -> WebAnswer:
        try:
            response = client.getresponse()
        except http.client.RemoteDisconnected as error:
            words = "the server closed the connection without an answer"
            closed = StoppedError(Rung.DIMSE, Signature(kind="closed"), words)
            raise wire.failure or closed from error
        except http.client.HTTPException as error:
            seen = wire.first_bytes
            what = "a TLS alert" if seen[:2] == b"\x15\x03" else repr(seen)
            words = f"expected an HTTP response, saw {what}"
            if isinstance(error, http.client.IncompleteRead):
                words = "the connection ended within the response's head"
            raise StoppedError(Rung.DIMSE, Signature(kind="not-http"), words) from error
        wire.in_body()
        answer = WebAnswer(response, wire)
        head = {"status": answer.status, "content_type": answer.header("Content-Type")}
        telling = {
            name.lower().replace("-", "_"): value
            for name in _TELLING
            if (value := answer.header(name))
        }
        self._note(
            "acceptor",
            f"HTTP {answer.status}",
            wire.received,
            answer.words(),
            {**head, **telling},
        )
        return answer

    def _note(
        self, sender: Any, kind: str, length: int, summary: str, fields: Mapping[str, object]
    ) -> None:
        given = {name: value for name, value in fields.items() if value != ""}
        at = round(time.monotonic() - self._opened, 6)
        self._pdus.append(
            TracedPdu.model_validate(
                {
                    "at": at,
                    "sender": sender,
                    "kind": kind,
                    "length": length,
                    "summary": summary,
                    "fields": given,
                }
            )
        )


def _credentials(auth: WebAuth) -> str:
    """The value of Authorization.

    Raises:
        UsageError: it would end the header; never with the secret in its words.
    """
    header = auth.header
    if not (header.isascii() and header.isprintable()):
        raise UsageError(
            "the bearer token can't stand in a request: expected printable ASCII on one line, saw"
            " something else; look for a line break at its end"
        )
    return header
