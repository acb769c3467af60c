"""pynetdicom's association server with the habits that a lab needs."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final

from pynetdicom import AE
from pynetdicom.transport import ThreadedAssociationServer

_HANDSHAKE_SECONDS: Final = 5.0


class Listener(ThreadedAssociationServer):
    """Handshakes TLS off the accepting thread, supports what each request negotiates, ends fast.

    Args:
        entity: the AE served.
        address: (host, port) to bind, port 0 for any.
        tls: context to accept with, or None for plain DICOM.
        handlers: pynetdicom (event, function) pairs. The function for ``EVT_REQUESTED`` sets
            ``assoc.acceptor.supported_contexts``; there are none by default.
        refused: told (client address, how it ended) when a TLS handshake fails.

    Raises:
        OSError: the address can't be bound.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        entity: AE,
        address: tuple[str, int],
        tls: ssl.SSLContext | None,
        handlers: list[Any],
        refused: Callable[[tuple[Any, ...], str], None],
    ) -> None:
        self._tls, self._refused = tls, refused
        super().__init__(entity, address, entity.ae_title, [], None, handlers)
        # AE.start_server would do this; shutdown takes the server off again
        entity._servers.append(self)

    def service_actions(self) -> None:
        """Nothing between polls; the library's periodic ``gc.collect`` would stall the node."""

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Handshake where TLS is spoken, then let the library serve the association."""
        if self._tls is not None:
            request.settimeout(_HANDSHAKE_SECONDS)
            try:
                request = self._tls.wrap_socket(request, server_side=True)
            except OSError as error:
                self._refused(client_address, _handshake_ending(error))
                self.shutdown_request(request)
                return
            request.settimeout(None)
        super().finish_request(request, client_address)

    def hang_up(self, timeout: float) -> None:
        """Close what is still open and wait for its threads."""
        associations = self.active_associations
        for association in associations:
            transport = association.dul.socket
            if transport is not None and transport.socket is not None:
                with contextlib.suppress(OSError):
                    transport.socket.shutdown(socket.SHUT_RDWR)
            if association.requestor.primitive is None:
                # its thread waits for an A-ASSOCIATE-RQ; no answer is what a timeout looks like
                association.dul.to_user_queue.put(None)
        for association in associations:
            association.join(timeout)


def _handshake_ending(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLEOFError):
        return "closed by requestor"
    return "closed by acceptor" if isinstance(error, ssl.SSLError) else "reset"
