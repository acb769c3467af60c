"""Storage and Verification SCP of a modality or workstation, on pynetdicom.

It keeps the fingerprints of what it receives, not the data, and the trace of every association.
"""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import zlib
from collections import deque
from io import BytesIO
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Final

from pydicom import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.dsutils import decode
from pynetdicom.presentation import PresentationContext
from pynetdicom.service_class import ServiceClass, StorageServiceClass
from pynetdicom.sop_class import register_uid, uid_to_service_class

from modalities.commands import ReceivedInstance
from modalities.encoding import encoding_of, refuse_if_cut_short
from modalities.errors import ModalityError
from modalities.fingerprint import fingerprint
from modalities.identity import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from modalities.listener import Listener
from modalities.scu import VERIFICATION
from modalities.trace import AssociationTrace
from modalities.tracing import StreamTracer

if TYPE_CHECKING:
    from modalities.services.listen import Listen

_SUCCESS: Final = 0x0000
_CANNOT_UNDERSTAND: Final = 0xC000
#: Rejected permanent, by the service user, called AE title not recognized (PS3.8 9.3.4).
_CALLED_TITLE_UNKNOWN: Final = (1, 1, 7)
_POLL_SECONDS: Final = 0.02
_STOP_SECONDS: Final = 2.0
_KEPT_TRACES: Final = 500
#: Where PS3.6 puts storage SOP classes; retired ones are unknown to pynetdicom.
_STORAGE_ARC: Final = "1.2.840.10008.5.1.4.1.1."
_registering = Lock()


class StorageScp:
    """Listens as ``listen`` says until ``stop``.

    Args:
        name: the node's name in traces.
        listen: titles, port (0: any free one, see ``port``), what to accept.
        host: address to bind.
        tls: context to accept with; None speaks plain DICOM.

    Raises:
        ModalityError: the port can't be bound.
    """

    def __init__(self, name: str, listen: Listen, host: str, tls: ssl.SSLContext | None) -> None:
        self._name, self._listen = name, listen
        self._received: list[ReceivedInstance] = []
        self._traces: deque[StreamTracer] = deque(maxlen=_KEPT_TRACES)
        self._tracers: dict[Association, StreamTracer] = {}
        self._lock = Lock()
        entity = AE(ae_title=listen.aetitle)
        entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
        entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
        handlers: list[Any] = [
            (evt.EVT_CONN_OPEN, self._opened),
            (evt.EVT_CONN_CLOSE, self._closed),
            (evt.EVT_DATA_RECV, self._data_received),
            (evt.EVT_DATA_SENT, self._data_sent),
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_C_ECHO, _succeed),
            (evt.EVT_C_STORE, self._store),
        ]
        try:
            self._server = Listener(entity, (host, listen.port), tls, handlers, self._refused)
        except OSError as error:
            raise ModalityError(
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

    def received(self) -> tuple[ReceivedInstance, ...]:
        """What has arrived since the start or the last ``forget``, in order."""
        with self._lock:
            return tuple(self._received)

    def traces(self) -> tuple[AssociationTrace, ...]:
        """One trace per connection since the start or the last ``forget`` (the last 500)."""
        with self._lock:
            tracers = tuple(self._traces)
        return tuple(tracer.trace() for tracer in tracers)

    def forget(self) -> None:
        """Drop what was received, and its traces."""
        with self._lock:
            self._received.clear()
            self._traces.clear()

    def stop(self) -> None:
        """Close the listener and every association; idempotent."""
        if not self._thread.is_alive():
            return
        self._server.shutdown()
        self._thread.join(_STOP_SECONDS)
        self._server.hang_up(_STOP_SECONDS)

    # --- pynetdicom's events; each runs in a thread of its association

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
        titles = self._listen.called_aetitles
        if titles is not None and request.called_ae_title.strip() not in titles:
            association.acse.send_reject(*_CALLED_TITLE_UNKNOWN)
            # waits until the A-ASSOCIATE-RJ is out; the library would close before
            association.kill()
            return
        association.acceptor.supported_contexts = [
            supported
            for proposed in request.presentation_context_definition_list
            if (supported := self._supported(proposed)) is not None
        ]

    def _supported(self, proposed: PresentationContext) -> PresentationContext | None:
        """What we support of a proposed context: its class, in its or the configured syntaxes."""
        abstract = proposed.abstract_syntax
        if abstract is None or not self._accepts(abstract):
            return None
        context = PresentationContext()
        context.abstract_syntax = abstract
        accepted = self._listen.accepted_transfer_syntaxes
        context.transfer_syntax = list(
            proposed.transfer_syntax if accepted is None else map(UID, accepted)
        )
        return context

    def _accepts(self, abstract: UID) -> bool:
        if abstract == VERIFICATION:
            return True
        accepted = self._listen.accepted_sop_classes
        if accepted is not None and abstract not in accepted:
            return False
        return _is_storage(abstract)

    def _store(self, event: Any) -> int | Dataset:
        request, syntax = event.request, str(event.context.transfer_syntax)
        encoding = encoding_of(syntax)
        try:
            dataset = decode(
                request.DataSet or BytesIO(),
                encoding.implicit_vr,
                encoding.little_endian,
                encoding.deflated,
            )
            refuse_if_cut_short(dataset)
            held = fingerprint(dataset, syntax)
        except (
            ValueError,
            TypeError,
            KeyError,
            AttributeError,
            EOFError,
            OSError,
            zlib.error,
        ) as e:
            answer = Dataset()
            answer.Status = _CANNOT_UNDERSTAND
            answer.ErrorComment = f"{type(e).__name__}: {e}"[:64]
            return answer
        requested = event.assoc.requestor.primitive
        instance = ReceivedInstance(
            fingerprint=held,
            calling_aetitle=requested.calling_ae_title.strip(),
            called_aetitle=requested.called_ae_title.strip(),
            move_originator=(request.MoveOriginatorApplicationEntityTitle or "").strip(),
        )
        with self._lock:
            self._received.append(instance)
        return _SUCCESS


def _succeed(_event: Any) -> int:
    return _SUCCESS


def _is_storage(abstract: UID) -> bool:
    """Whether ``abstract`` is, or by default is taken as, a storage SOP class.

    pynetdicom serves a class it does not know only once it is registered; unknown and private
    classes that a peer proposes to a storage SCP are storage classes.
    """
    with _registering:
        service = uid_to_service_class(abstract)
        standard = abstract.startswith("1.2.840.10008.")
        if service is ServiceClass and (not standard or abstract.startswith(_STORAGE_ARC)):
            keyword = "Storage_" + re.sub(r"\D", "_", abstract)
            register_uid(abstract, keyword, StorageServiceClass)
            service = StorageServiceClass
    return service is StorageServiceClass
