"""A node's own SCP: what the acceptors offer, on pynetdicom, and a trace of every connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext

from dicom.errors import UsageError
from dicom.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicom.tracing.trace import AssociationTrace
from dicom.tracing.tracer import StreamTracer
from modalities.scp.acceptor import ACCEPTORS, Acceptor, Hosting, Role
from modalities.scp.intake import Intake
from modalities.scp.listener import Listener

if TYPE_CHECKING:
    from modalities.services.listen import Listen

#: Rejected permanent, by the service user, called AE title not recognized (PS3.8 9.3.4).
_CALLED_TITLE_UNKNOWN: Final = (1, 1, 7)
_POLL_SECONDS: Final = 0.02
_STOP_SECONDS: Final = 2.0
_KEPT_TRACES: Final = 500


class NodeScp:
    """Listens as ``listen`` says until ``stop``.

    Args:
        name: the node's name in traces.
        listen: titles, port (0: any free one, see ``port``), what to offer and accept.
        host: address to bind.
        tls: context to accept with; None speaks plain DICOM.
        exchange: folder that paths in ``listen`` are relative to.
        intake: takes what arrives.

    Raises:
        UsageError: the title is none, the port can't be bound, or a service can't be offered as
            written.
    """

    def __init__(
        self,
        name: str,
        listen: Listen,
        host: str,
        tls: ssl.SSLContext | None,
        exchange: Path,
        intake: Intake,
    ) -> None:
        self._name, self._listen = name, listen
        self._traces: deque[StreamTracer] = deque(maxlen=_KEPT_TRACES)
        self._tracers: dict[Association, StreamTracer] = {}
        self._lock = Lock()
        hosting = Hosting(listen, exchange, intake)
        made = (make(hosting) for make in ACCEPTORS.values())
        self._acceptors = tuple(acceptor for acceptor in made if acceptor is not None)
        self._owners: dict[str, Acceptor] = {}
        try:
            entity = AE(ae_title=listen.aetitle)
        except ValueError as error:
            raise UsageError(
                f"{listen.aetitle!r} can't be an AE title (1 to 16 characters): {error}"
            ) from error
        entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_CONN_CLOSE, self._closed),
            (evt.EVT_DATA_RECV, self._data_received),
            (evt.EVT_DATA_SENT, self._data_sent),
            (evt.EVT_REQUESTED, self._requested),
            *self._service_handlers(),
        ]
        try:
            self._server = Listener(entity, (host, listen.port), tls, handlers, self._refused)
        except OSError as error:
            raise UsageError(
                f"{name} can't listen on {host}:{listen.port}: {error.strerror}. Choose a free"
                " port, or 0 for any."
            ) from error
        self.port: int = self._server.server_address[1]
        self._thread = Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": _POLL_SECONDS},
            name=f"{name}-scp",
            daemon=True,
        )
        self._thread.start()

    def traces(self) -> tuple[AssociationTrace, ...]:
        """One trace per connection since the start or the last ``forget`` (the last 500)."""
        with self._lock:
            tracers = tuple(self._traces)
        return tuple(tracer.trace() for tracer in tracers)

    def forget(self) -> None:
        """Drop the traces."""
        with self._lock:
            self._traces.clear()

    def stop(self) -> None:
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._thread.join(_STOP_SECONDS)
        self._server.hang_up(_STOP_SECONDS)

    # --- pynetdicom's events; each runs in a thread of its association

    def _service_handlers(self) -> Iterator[tuple[Any, Callable[[Any], Any]]]:
        """One handler an event, which hands it to the acceptor whose SOP class it is about."""
        for happening in {each for acceptor in self._acceptors for each in acceptor.events}:

            def handle(event: Any, happening: Any = happening) -> Any:
                owner = self._owners[event.context.abstract_syntax]
                return owner.events[happening](event)

            yield happening, handle

    def _opened(self, event: Any) -> None:
        connection = event.assoc.dul.socket.socket
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tracer = self._tracer(event.address)
        with self._lock:
            self._tracers[event.assoc] = tracer

    def _closed(self, event: Any) -> None:
        with self._lock:
            tracer = self._tracers.pop(event.assoc, None)
        if tracer is not None:
            tracer.end("closed by requestor")

    def _data_received(self, event: Any) -> None:
        self._feed(event, "requestor")

    def _data_sent(self, event: Any) -> None:
        self._feed(event, "acceptor")

    def _feed(self, event: Any, sender: Any) -> None:
        tracer = self._tracers.get(event.assoc)
        if tracer is not None:
            tracer.feed(sender, event.data)

    def _refused(self, address: tuple[Any, ...], reason: str) -> None:
        """A TLS handshake failed; nothing but that can be traced."""
        self._tracer(address).end(reason)

    def _tracer(self, address: tuple[Any, ...]) -> StreamTracer:
        requestor = f"{address[0]}:{address[1]}"
        tracer = StreamTracer(self._name, requestor, f"{self._listen.aetitle}:{self.port}")
        with self._lock:
            self._traces.append(tracer)
        return tracer

    def _requested(self, event: Any) -> None:
        association = event.assoc
        request = association.requestor.primitive
        rejection = self._rejection(association)
        if rejection is not None:
            association.acse.send_reject(*rejection)
            # waits until the A-ASSOCIATE-RJ is out; the library would close before
            association.kill()
            return
        roles = {
            uid: Role(bool(item.scu_role), bool(item.scp_role))
            for uid, item in association.requestor.role_selection.items()
        }
        association.acceptor.supported_contexts = [
            supported
            for proposed in request.presentation_context_definition_list
            if (supported := self._supported(proposed, roles)) is not None
        ]

    def _rejection(self, association: Association) -> tuple[int, int, int] | None:
        """Result, source and reason of the rejection that an association gets, if any."""
        request: Any = association.requestor.primitive
        titles = self._listen.called_aetitles
        if titles is not None and request.called_ae_title.strip() not in titles:
            return _CALLED_TITLE_UNKNOWN
        rules = self._listen.user_identity
        if rules is None:
            return None
        identity = association.requestor.user_identity
        if not rules.admits(identity):
            return rules.rejection
        response = rules.response(identity)
        if response is not None:
            association.acceptor.add_negotiation_item(response)
        return None

    def _supported(
        self, proposed: PresentationContext, roles: dict[Any, Role]
    ) -> PresentationContext | None:
        """What the first acceptor that knows a proposed context supports of it."""
        abstract = proposed.abstract_syntax
        for acceptor in self._acceptors:
            context = acceptor.supports(proposed, roles.get(abstract))
            if context is not None:
                self._owners[str(abstract)] = acceptor
                return context
        return None
