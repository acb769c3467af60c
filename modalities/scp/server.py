"""A node's own SCP: what the acceptors offer, and a trace of every connection."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from threading import Event, Lock
from typing import Final

from pynetdicom.dimse_primitives import C_ECHO, C_FIND, C_GET, C_MOVE, C_STORE, DimsePrimitiveType

from dicom.association.accepted import AcceptedAssociation, AssociationEndedError
from dicom.association.port import DicomPort
from dicom.association.requested import (
    ACCEPTED,
    CLASS_REFUSED,
    SYNTAX_REFUSED,
    ContextAnswer,
    Rejection,
    Requested,
)
from dicom.association.rules import Abort, PduRules, PortRules
from dicom.dimse.responses import SUCCESS
from dicom.errors import UsageError
from dicom.services.responses import response_to
from dicom.tracing.trace import AssociationTrace
from dicom.tracing.tracer import StreamTracer
from modalities.scp.acceptor import ACCEPTORS, Acceptor, AcceptorNeeds, Support
from modalities.scp.behaviour import ScpBehaviour
from modalities.scp.intake import Intake

_log: Final = logging.getLogger(__name__)
#: Waits in seconds: for a TLS handshake, an A-ASSOCIATE-RQ, a PDU, and the ends at a stop.
_HANDSHAKE_SECONDS: Final = 5.0
_REQUEST_SECONDS: Final = 30.0
_IDLE_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 2.0
_KEPT_TRACES: Final = 500
_MOST_ASSOCIATIONS: Final = 10
_LONGEST_TITLE: Final = 16
_MAX_PDU_LENGTH: Final = 16382
_BY_USER: Final = Abort(source=0, reason=0)
#: By the service provider, no reason specified (PS3.8 9.3.8).
_BY_PROVIDER: Final = Abort(source=2, reason=0)
_PDU_RULES: Final = PduRules(
    unknown_pdu=_BY_PROVIDER,
    unexpected_pdu=_BY_PROVIDER,
    malformed_pdu=_BY_PROVIDER,
    misplaced_fragment=_BY_PROVIDER,
    broken_dataset=_BY_PROVIDER,
    largest_pdu_abort=_BY_PROVIDER,
)
#: Status for a request that its context's SOP class knows nothing of; others get the last one.
_OUT_OF_PLACE: Final[Mapping[type[DimsePrimitiveType], int]] = {
    C_ECHO: SUCCESS,
    C_STORE: 0xC211,
    C_FIND: 0xC311,
    C_GET: 0xC411,
    C_MOVE: 0xC511,
}
_PROCESSING_FAILURE: Final = 0x0110


class NodeScp:
    """Listens as ``behaviour`` says until ``stop``.

    Args:
        name: the node's name in traces.
        behaviour: titles, port (0: any free one, see ``port``), what to offer and accept.
        host: address to bind.
        tls: context to accept with; None speaks plain DICOM.
        exchange: folder that paths in ``behaviour`` are relative to.
        intake: takes what arrives.

    Raises:
        UsageError: the title is none, the port can't be bound, or a service can't be offered as
            written.
    """

    def __init__(
        self,
        name: str,
        behaviour: ScpBehaviour,
        host: str,
        tls: ssl.SSLContext | None,
        exchange: Path,
        intake: Intake,
    ) -> None:
        self._name, self._behaviour = name, behaviour
        self._traces: deque[StreamTracer] = deque(maxlen=_KEPT_TRACES)
        self._open = 0
        self._lock = Lock()
        needs = AcceptorNeeds(behaviour, exchange, intake)
        made = (make(needs) for make in ACCEPTORS.values())
        self._acceptors = tuple(acceptor for acceptor in made if acceptor is not None)
        _require_title(behaviour.aetitle)
        rules = PortRules(
            association_timeout=_HANDSHAKE_SECONDS, garbage="abort", hasty_pdu=_BY_USER
        )
        try:
            self._dicom = DicomPort(
                (host, behaviour.port),
                rules,
                lambda: tls,
                self._serve,
                _log.error,
                lambda peer, error: self._traced(peer).end(_handshake_ending(error)),
            )
        except OSError as error:
            raise UsageError(
                f"{name} can't listen on {host}:{behaviour.port}: {error.strerror}. Choose a free"
                " port, or 0 for any."
            ) from error
        self.port = self._dicom.port

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
        self._dicom.stop(_STOP_SECONDS)

    def _traced(self, peer: str) -> StreamTracer:
        tracer = StreamTracer(self._name, peer, f"{self._behaviour.aetitle}:{self.port}")
        with self._lock:
            self._traces.append(tracer)
        return tracer

    def _serve(self, connection: socket.socket, peer: str, settled: Event) -> None:
        del settled  # any number of associations is established at a time
        tracer = self._traced(peer)
        association = AcceptedAssociation(connection, peer, _PDU_RULES, _IDLE_SECONDS, tracer)
        with self._lock:
            others = self._open
            self._open += 1
        try:
            with contextlib.suppress(AssociationEndedError):
                association.read_request(_REQUEST_SECONDS, _BY_USER, _BY_USER)
                rejection = self._rejection(association.requested, others)
                if rejection is None:
                    self._answer(association, self._accept(association))
                else:
                    association.reject(rejection)
        finally:
            tracer.end("closed by requestor")
            with self._lock:
                self._open -= 1

    def _rejection(self, requested: Requested, others: int) -> Rejection | None:
        if requested.protocol_version != 1:
            return Rejection(1, 2, 2, "protocol version not supported")
        titles = self._behaviour.called_aetitles
        if titles is not None and requested.called not in titles:
            return Rejection(1, 1, 7, "called AE title not recognized")
        rules = self._behaviour.user_identity
        if rules is not None and not rules.admits(requested.identity):
            return Rejection(*rules.rejection, "user identity not accepted")
        if others >= _MOST_ASSOCIATIONS:
            return Rejection(2, 3, 2, "local limit exceeded")
        return None

    def _accept(self, association: AcceptedAssociation) -> Mapping[int, Acceptor]:
        """Accept with what is supported; returns who answers in which accepted context."""
        requested = association.requested
        # a SOP class is answered alike in all its contexts: as its last one is
        supported = {
            each.abstract_syntax: self._supported(each.abstract_syntax, requested)
            for each in requested.proposals
        }
        answers = []
        roles = {}
        owners = {}
        for proposed in requested.proposals:
            found = supported[proposed.abstract_syntax]
            if found is None:
                answers.append(ContextAnswer(CLASS_REFUSED, proposed.transfer_syntaxes[0]))
                continue
            owner, support = found
            offered = proposed.transfer_syntaxes
            usable = [each for each in support.transfer_syntaxes if each in offered]
            if not usable:
                answers.append(ContextAnswer(SYNTAX_REFUSED, offered[0]))
                continue
            answers.append(ContextAnswer(ACCEPTED, usable[0]))
            owners[proposed.context_id] = owner
            if support.roles is not None:
                roles[proposed.abstract_syntax] = support.roles
        rules = self._behaviour.user_identity
        identity = None if rules is None else rules.response(requested.identity)
        association.accept(answers, _MAX_PDU_LENGTH, roles, {}, identity)
        return owners

    def _supported(self, sop_class: str, requested: Requested) -> tuple[Acceptor, Support] | None:
        """Which acceptor knows a SOP class, and what it supports of it."""
        *_, proposed = (each for each in requested.proposals if each.abstract_syntax == sop_class)
        for acceptor in self._acceptors:
            support = acceptor.supports(proposed, requested.roles.get(sop_class))
            if support is not None:
                return acceptor, support
        return None

    def _answer(self, association: AcceptedAssociation, owners: Mapping[int, Acceptor]) -> None:
        """Answer requests until the association ends; whatever is none is ignored."""
        while True:
            context, incoming = association.receive()
            request = incoming.primitive
            if not getattr(request, "is_valid_request", False):
                continue
            if not owners[context.context_id].answer(association, context, request):
                response = response_to(request)
                setattr(response, "Status", _OUT_OF_PLACE.get(type(request), _PROCESSING_FAILURE))
                association.send(response, context)


def _require_title(title: str) -> None:
    """Nothing, where ``title`` can be an AE title.

    Raises:
        UsageError: it can't.
    """
    printable = title.isascii() and title.isprintable() and "\\" not in title
    if not (title.strip() and len(title) <= _LONGEST_TITLE and printable):
        raise UsageError(
            f"{title!r} can't be an AE title: 1 to 16 printable characters, no backslash, not only"
            " spaces"
        )


def _handshake_ending(error: Exception) -> str:
    """How a trace says that a TLS handshake failed (``AssociationTrace.end``)."""
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ssl.SSLEOFError):
        return "closed by requestor"
    return "closed by acceptor" if isinstance(error, ssl.SSLError) else "reset"
