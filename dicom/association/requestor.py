"""An association as requestor: PS3.8's upper layer, synchronous, on pynetdicom's codecs.

pynetdicom's own ``Association`` reports a peer that closed, reset, timed out or aborted alike,
and needs two threads with polling loops per association. A lab that exists to tell these apart
drives the requestor's few states itself and takes PDU and DIMSE encoding from the library.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final, cast

from pydicom.multival import MultiValue
from pydicom.uid import DeflatedExplicitVRLittleEndian
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import DimsePrimitiveType
from pynetdicom.pdu import P_DATA_TF

from dicom.association import upper_layer
from dicom.association.ends import Caller, Target
from dicom.association.link import Link, LinkLostError, connect, start_tls
from dicom.association.messages import IncomingMessage
from dicom.association.negotiated import Negotiated
from dicom.association.negotiation import associate_request, read_answer
from dicom.association.upper_layer import (
    ABORT,
    ASSOCIATE_AC,
    ASSOCIATE_RJ,
    P_DATA,
    RELEASE_RP,
    RELEASE_RQ,
    SHORT_PDU,
    UNLIMITED,
    fragments,
)
from dicom.errors import UsageError
from dicom.ladder import Rung, Signature, StoppedError
from dicom.tracing.pdu_words import PDU_KINDS, context_result, whole_text
from dicom.tracing.trace import AssociationTrace
from dicom.tracing.tracer import StreamTracer

#: Bytes of an A-ASSOCIATE-AC without any item (PS3.8 table 9-17), header included.
_SHORTEST_AC: Final = 74
MAX_CONTEXTS: Final = 128


class Association:
    """One association with ``target``; open it, exchange messages, ``release`` or ``abort``.

    Args:
        target: where, and by which called title.
        caller: our title, timeouts, and what we negotiate besides contexts.
        contexts: (abstract syntax, transfer syntaxes) pairs, at most 128; the first gets context
            ID 1, the next 3, and so on (PS3.8 9.3.2.2).
        tls: context to connect with where the target speaks TLS.
        observer: our name in the trace.

    Attributes:
        results: result per context ID as the acceptor gave it (PS3.8 table 9-18).
        syntaxes: accepted transfer syntax per accepted context ID.
        negotiated: what else the acceptor answered; None before it accepted.
    """

    def __init__(
        self,
        target: Target,
        caller: Caller,
        contexts: Sequence[tuple[str, Sequence[str]]],
        tls: ssl.SSLContext | None,
        observer: str,
    ) -> None:
        if not 0 < len(contexts) <= MAX_CONTEXTS:
            raise UsageError(
                f"an association proposes 1 to 128 presentation contexts, not {len(contexts)}"
            )
        self._target, self._caller, self._tls = target, caller, tls
        self._proposed = {
            2 * index + 1: (abstract, tuple(syntaxes))
            for index, (abstract, syntaxes) in enumerate(contexts)
        }
        self._tracer = StreamTracer(
            observer, caller.calling, f"{target.called}@{target.host}:{target.port}"
        )
        self._link: Link | None = None
        self._peer_max_length = 0
        self.results: dict[int, int] = {}
        self.syntaxes: dict[int, str] = {}
        self.negotiated: Negotiated | None = None

    def open(self) -> None:
        """Resolve, connect, handshake where TLS is asked for, associate.

        Raises:
            StoppedError: at ``resolve``, ``connect``, ``tls`` or ``associate``. Refused contexts
                are no failure here: see ``results`` and ``require``.
            UsageError: a title or UID that no A-ASSOCIATE-RQ can carry.
        """
        request = associate_request(self._target, self._caller, self._proposed)
        timeouts = self._caller.timeouts
        try:
            connection: socket.socket = connect(
                self._target.host, self._target.port, timeouts.connect
            )
            if self._tls is not None:
                connection = start_tls(connection, self._tls, self._target.host, timeouts.connect)
        except StoppedError as stopped:
            self._tracer.end(_ending(stopped.signature))
            raise
        self._link = self._linked(connection)
        with self._watched(Rung.ASSOCIATE) as link:
            link.send(request, timeouts.acse)
            self._negotiated(*link.receive(timeouts.acse))

    def require(self, context_id: int) -> str:
        """The transfer syntax accepted for ``context_id``.

        Raises:
            StoppedError: at ``negotiate``, with the acceptor's result for it.
        """
        if context_id in self.syntaxes:
            return self.syntaxes[context_id]
        abstract, _ = self._proposed[context_id]
        result = self.results.get(context_id, 2)
        words = f"context for {abstract} refused: {context_result(result)}"
        if context_id not in self.results:
            words = f"context for {abstract} missing from the A-ASSOCIATE-AC"
        if result == 0:
            words = f"context for {abstract} accepted with a transfer syntax never proposed"
        raise StoppedError(Rung.NEGOTIATE, Signature.context(result), words)

    def context_for(self, abstract_syntax: str, transfer_syntax: str) -> int:
        """ID of the accepted context for an object of a SOP class in a transfer syntax.

        Raises:
            StoppedError: at ``negotiate``: with the acceptor's result where it refused; with
                ``context 0`` where it accepted the class in other syntaxes only; with ``context
                none`` where the class was not proposed.
        """
        ids = [number for number, (each, _) in self._proposed.items() if each == abstract_syntax]
        accepted = {self.syntaxes[number]: number for number in ids if number in self.syntaxes}
        if transfer_syntax in accepted:
            return accepted[transfer_syntax]
        meant = [number for number in ids if transfer_syntax in self._proposed[number][1]]
        for number in meant or ([] if accepted else ids):
            if number not in self.syntaxes:
                self.require(number)  # says why not
        if accepted:
            words = f"context for {abstract_syntax} accepted, but not in {transfer_syntax}"
            raise StoppedError(Rung.NEGOTIATE, Signature.context(0), words)
        words = f"no context proposed for {abstract_syntax}"
        raise StoppedError(Rung.NEGOTIATE, Signature(kind="context", code="none"), words)

    def send(self, message: DIMSEMessage, context_id: int, dataset: BinaryIO | None = None) -> None:
        """Send a DIMSE message; ``dataset`` is read from its position to its end, as it is.

        Raises:
            StoppedError: at ``dimse`` (timeout: the peer takes no more data).
        """
        timeout = self._caller.timeouts.network
        with self._watched(Rung.DIMSE) as link:
            for primitive in message.encode_msg(context_id, self._peer_max_length or UNLIMITED):
                link.send(P_DATA_TF(primitive).encode(), timeout)
            if dataset is None:
                return
            deflated = self.syntaxes[context_id] == DeflatedExplicitVRLittleEndian
            for pdu in fragments(dataset, context_id, self._peer_max_length, deflated=deflated):
                if link.broken:
                    return
                link.send(pdu, timeout)

    def receive(self) -> DimsePrimitiveType:
        """The next DIMSE message from the peer, within the DIMSE timeout.

        Raises:
            StoppedError: at ``dimse``: aborted, closed, reset, timeout.
        """
        return self.receive_any(self._caller.timeouts.dimse).primitive

    def receive_any(self, timeout: float) -> IncomingMessage:
        """The next DIMSE message and its context; ``timeout`` is seconds for each of its PDUs.

        Raises:
            StoppedError: at ``dimse``: aborted, closed, reset, timeout.
        """
        message = DIMSEMessage()
        with self._watched(Rung.DIMSE) as link:
            while True:
                pdu_type, pdu = link.receive(timeout)
                if pdu_type == RELEASE_RQ:
                    link.send(upper_layer.release_response(), timeout)
                    words = "the peer released the association instead of answering"
                    raise LinkLostError(Signature(kind="closed"), words)
                if pdu_type != P_DATA:
                    raise self._unexpected(pdu_type, pdu, Rung.DIMSE)
                try:
                    data = P_DATA_TF()
                    data.decode(pdu)
                    if message.decode_msg(data.to_primitive()):
                        return IncomingMessage(message.context_id or 0, _primitive(message))
                except Exception as error:  # whatever a decoder makes of a malformed message
                    self.abort()
                    words = f"response can't be decoded: {type(error).__name__}: {error}"
                    raise StoppedError(Rung.DIMSE, Signature.aborted(2, 6), words) from error

    def waits(self, seconds: float, wake: socket.socket) -> bool:
        """Whether the peer has said something, or ended, within ``seconds``: then ``receive``.

        Ends early, with no, as soon as ``wake`` can be read.

        Raises:
            StoppedError: at ``dimse``: the association is over.
        """
        with self._watched(Rung.DIMSE) as link:
            return link.waits(seconds, wake)

    def release(self) -> None:
        """End the association in order, within the ACSE timeout; idempotent."""
        if self._link is None:
            return
        patience = self._caller.timeouts.acse
        deadline = time.monotonic() + patience
        with contextlib.suppress(LinkLostError):
            self._link.send(upper_layer.release_request(), patience)
            # a peer that still talks when its time is up is not waited for to fall silent
            while (left := deadline - time.monotonic()) > 0:
                pdu_type, _ = self._link.receive(left)
                if pdu_type == RELEASE_RQ:  # collision (PS3.8 7.2.2.7)
                    self._link.send(upper_layer.release_response(), patience)
                elif pdu_type in (RELEASE_RP, ABORT):
                    break
        self._close("closed by requestor")

    def abort(self) -> None:
        """A-ABORT as service user (0/0) and close; idempotent."""
        if self._link is None:
            return
        with contextlib.suppress(LinkLostError):
            self._link.send(upper_layer.abort(), 1.0)
        self._close("aborted")

    def trace(self) -> AssociationTrace:
        """The PDU trace so far."""
        return self._tracer.trace()

    @contextlib.contextmanager
    def _watched(self, rung: Rung) -> Iterator[Link]:
        """Turn what ends the link into the exact signature at ``rung``, and close it."""
        if self._link is None:
            words = "the association is closed"
            raise StoppedError(rung, Signature(kind="closed"), words)
        try:
            yield self._link
        except LinkLostError as lost:
            signature, at = lost.signature, rung
            if signature.kind == "alert" and rung is Rung.ASSOCIATE:
                at = Rung.TLS  # TLS 1.3: the server judges our certificate after our handshake
            elif rung is Rung.DIMSE and signature.kind in ("alert", "not-dicom"):
                signature = Signature(kind="closed")
            if signature.kind in ("timeout", "not-dicom"):
                self._tracer.end(_ending(signature))
                self.abort()
            self._close(_ending(lost.signature))
            raise StoppedError(at, signature, lost.comment) from lost
        except StoppedError:
            self._close("closed by requestor")
            raise

    def _linked(self, connection: socket.socket) -> Link:
        """The link on an open connection; deliberate misbehaviour puts its own in its place."""
        return Link(connection, self._tracer)

    def _close(self, reason: str) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        self._tracer.end(reason)

    def _negotiated(self, pdu_type: int, pdu: bytes) -> None:
        if pdu_type != ASSOCIATE_AC:
            raise self._unexpected(pdu_type, pdu, Rung.ASSOCIATE)
        if len(pdu) < _SHORTEST_AC:
            words = f"A-ASSOCIATE-AC of {len(pdu)} bytes; it has at least {_SHORTEST_AC}"
            raise LinkLostError(Signature(kind="not-dicom"), words)
        try:
            granted = read_answer(pdu, self._proposed)
        except Exception as error:  # whatever a decoder makes of a malformed PDU
            words = f"A-ASSOCIATE-AC can't be decoded: {type(error).__name__}: {error}"
            raise LinkLostError(Signature(kind="not-dicom"), words) from error
        self.results.update(granted.results)
        self.syntaxes.update(granted.syntaxes)
        self.negotiated = granted.negotiated
        self._peer_max_length = granted.negotiated.max_pdu_length

    def _unexpected(self, pdu_type: int, pdu: bytes, rung: Rung) -> StoppedError:
        """What a PDU other than the awaited one means."""
        if pdu_type == ABORT and len(pdu) == SHORT_PDU:
            source, reason = pdu[8:10]
            return StoppedError(rung, Signature.aborted(source, reason))
        if pdu_type == ASSOCIATE_RJ and len(pdu) == SHORT_PDU and rung is Rung.ASSOCIATE:
            result, source, reason = pdu[7:10]
            return StoppedError(rung, Signature.rejected(result, source, reason))
        self.abort()
        kind = "not-dicom" if rung is Rung.ASSOCIATE else "closed"
        return StoppedError(rung, Signature(kind=kind), f"unexpected {PDU_KINDS[pdu_type]} PDU")


def _primitive(message: DIMSEMessage) -> DimsePrimitiveType:
    """What ``message`` says, with all of its Error Comment: the library stops at a backslash."""
    primitive: Any = message.message_to_primitive()
    comment = message.command_set.get("ErrorComment")
    if isinstance(comment, MultiValue):
        primitive.ErrorComment = whole_text(comment)
    return cast(DimsePrimitiveType, primitive)


def _ending(signature: Signature) -> str:
    """How a trace says that a connection ended this way (``AssociationTrace.end``)."""
    ends = {
        "closed": "closed by acceptor",
        "alert": "closed by acceptor",
        "certificate": "closed by requestor",
        "not-tls": "closed by requestor",
        "not-dicom": "closed by requestor",
    }
    return ends.get(signature.kind, signature.kind)
