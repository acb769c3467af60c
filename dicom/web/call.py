"""One HTTP request to a DICOMweb origin server (PS3.18), with every failure told apart.

A library's HTTP client folds a refused connection, an untrusted certificate and a server that
falls silent into one exception, follows redirects and tries again. A diagnosis needs each by
itself, so the connection is opened rung by rung as for DICOM (``link``), and h11 frames the
messages on it, which does no input or output of its own. Each request has a connection of its own.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import h11

from dicom.association.ends import Timeouts
from dicom.association.link import connect, start_tls
from dicom.association.tls import client_context
from dicom.errors import UsageError
from dicom.ladder import Rung, Signature, StoppedError
from dicom.tracing.trace import AssociationTrace, TracedPdu
from dicom.web.answer import TELLING, WebAnswer, next_event
from dicom.web.http_socket import HttpSocket
from dicom.web.target import WebAuth, WebTarget

_LONGEST_HEAD: Final = 1 << 16
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


class HttpCall:
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
        wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD)
        full = f"{self._target.root}{path}"
        sent = {
            "Host": self._target.authority,
            "Accept-Encoding": "identity",
            "Connection": "close",
            **headers,
        }
        if self._target.auth is not None:
            sent["Authorization"] = _credentials(self._target.auth)
        if length is None:
            sent["Transfer-Encoding"] = "chunked"
        elif length or method == "POST":
            sent["Content-Length"] = str(length)
        try:
            fields = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
            head = h11.Request(method=method, target=full, headers=fields)
            self._socket.sendall(wire.send(head) or b"")
            for block in body:
                if self._socket.failure is not None:
                    break
                self._socket.sendall(wire.send(h11.Data(data=block)) or b"")
            else:
                self._socket.sendall(wire.send(h11.EndOfMessage()) or b"")
        except (h11.LocalProtocolError, UnicodeEncodeError) as error:
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
        return self._answered(wire, self._socket)

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

    def _answered(self, wire: h11.Connection, socket: HttpSocket) -> WebAnswer:
        event: h11.Event | None = None
        try:
            while not isinstance(event, h11.Response):
                event = next_event(wire, socket)
        except h11.RemoteProtocolError as error:
            if not socket.received:
                words = "the server closed the connection without an answer"
                closed = StoppedError(Rung.DIMSE, Signature(kind="closed"), words)
                raise socket.failure or closed from error
            seen = socket.first_bytes
            what = "a TLS alert" if seen[:2] == b"\x15\x03" else repr(seen)
            words = f"expected an HTTP response, saw {what} ({error})"
            raise StoppedError(Rung.DIMSE, Signature(kind="not-http"), words) from error
        socket.in_body()
        answer = WebAnswer(event, wire, socket)
        head = {"status": answer.status, "content_type": answer.header("Content-Type")}
        telling = {
            name.lower().replace("-", "_"): value
            for name in TELLING
            if (value := answer.header(name))
        }
        self._note(
            "acceptor",
            f"HTTP {answer.status}",
            socket.received,
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
