"""Control channel of a running node: JSON over HTTP/1.1, one path per verb, no framework.

Only ever bound to loopback, or inside a container to a network that the lab made.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, Final

from pydantic import BaseModel

#: A verb: takes the decoded JSON body, answers data.
Verb = Callable[[Any], "BaseModel | object"]
_MAX_BODY: Final = 64 * 1024 * 1024
_JSON: Final = "application/json"


class ControlError(Exception):
    """A control call failed: the node is gone, or it refused the command (its words inside)."""


class ControlServer:
    """Serves ``verbs`` until ``stop``; each request in its own thread.

    Args:
        verbs: path without the slash (``command``) to the function that answers it.
        host: address to bind.
        port: TCP port, 0 for any free one (then read ``port``).
        handler: answers the requests; None is one that knows the verbs only.
    """

    def __init__(
        self,
        verbs: Mapping[str, Verb],
        host: str = "127.0.0.1",
        port: int = 0,
        handler: type[ControlHandler] | None = None,
    ) -> None:
        handlers = (handler or ControlHandler,)
        self._server = _Server((host, port), type("Handler", handlers, {"verbs": verbs}))
        self.port: int = self._server.server_address[1]
        self._thread = Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; idempotent."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=2)


def call(
    host: str, port: int, verb: str, body: BaseModel | object = None, *, timeout: float
) -> Any:
    """Call ``verb`` of the node at ``host:port`` and return the decoded JSON answer.

    Raises:
        ControlError: no answer within ``timeout`` seconds, or the node answered with an error.
    """
    text = body.model_dump_json() if isinstance(body, BaseModel) else json.dumps(body)
    payload = text.encode()  # http.client would take text for ISO 8859-1
    connection = HTTPConnection(host, port, timeout=timeout)
    try:
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.request("POST", f"/{verb}", payload, {"Content-Type": _JSON})
        response = connection.getresponse()
        answer = json.loads(response.read() or b"null")
    except (OSError, HTTPException, ValueError) as error:
        raise ControlError(
            f"node at {host}:{port} did not answer {verb!r}: {error or type(error).__name__};"
            " expected JSON. Look at the node's log."
        ) from error
    finally:
        connection.close()
    if response.status != 200:
        why = answer.get("error") if isinstance(answer, dict) else None
        words = why or f"HTTP {response.status} {response.reason}; expected a node there"
        raise ControlError(f"node at {host}:{port} refused {verb!r}: {words}")
    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


class ControlHandler(BaseHTTPRequestHandler):
    """Answers the verbs; a server that speaks something else besides derives its own from it."""

    verbs: ClassVar[Mapping[str, Verb]] = {}
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        verb = self.verbs.get(self.path.strip("/"))
        announced = self.headers.get("Content-Length") or "0"
        if not announced.isdecimal() or int(announced) > _MAX_BODY:
            self.close_connection = True  # where the next request begins is unknown
            self._answer(413, {"error": f"body of {announced} bytes; at most {_MAX_BODY}"})
            return
        body = self.rfile.read(int(announced))
        if self.headers.get_content_type() != _JSON:
            # A page in a browser on this machine can send other types here without asking.
            self._answer(415, {"error": f"expected Content-Type: {_JSON}"})
            return
        if verb is None:
            known = ", ".join(sorted(self.verbs))
            self._answer(404, {"error": f"no verb {self.path!r}; expected one of: {known}"})
            return
        try:
            answer = verb(json.loads(body or b"null"))
        except Exception as error:  # noqa: BLE001  the caller must see why, the node must live
            self._answer(500, {"error": f"{type(error).__name__}: {error}"})
            return
        self._answer(200, answer)

    def _answer(self, status: int, answer: BaseModel | object) -> None:
        text = answer.model_dump_json() if isinstance(answer, BaseModel) else json.dumps(answer)
        payload = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", _JSON)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are the caller's business; the node's log is about DICOM."""
