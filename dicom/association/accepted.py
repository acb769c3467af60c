"""An association as acceptor: PS3.8's upper layer, one thread, on pynetdicom's codecs.

pynetdicom's own ``Association`` decides negotiation, abort and response codes by itself. Vendors
differ in just these, so this class only speaks the protocol and leaves every decision to its
caller. The same reason, on the requestor's side, is told in
``dicom/association/requestor.py``.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import ssl
import struct
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from pynetdicom import dimse_messages
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import C_CANCEL, DimsePrimitiveType
from pynetdicom.pdu import P_DATA_TF

from dicom.association import upper_layer
from dicom.association.messages import IncomingMessage, MessageReader, MisplacedFragmentError
from dicom.association.requested import (
    ACCEPTED,
    ContextAnswer,
    Proposal,
    Rejection,
    Requested,
    Roles,
    rejection_pdu,
)
from dicom.association.rules import Abort, PduRules
from dicom.association.upper_layer import (
    ABORT,
    ASSOCIATE_RQ,
    P_DATA,
    RELEASE_RQ,
    SHORT_PDU,
    UNLIMITED,
)

_RECEIVE: Final = 1 << 16
_BY_USER: Final = Abort(source=0, reason=0)
_PDU_TYPES: Final = range(ASSOCIATE_RQ, ABORT + 1)


class AssociationEndedError(Exception):
    """The association is over; the message says how, for the archive's log."""


class Context(NamedTuple):
    """One accepted presentation context."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str


class AcceptedAssociation:
    """One connection on which a requestor asks for an association.

    Attributes:
        calling, called: AE titles of the request, without padding.
        proposals: its presentation contexts.
        roles: proposed roles per SOP class.
        extended: SOP class extended negotiation (PS3.7 D.3.3.5): application information per class.
        contexts: accepted contexts by their ID, after ``accept``.
    """

    def __init__(
        self, connection: socket.socket, peer: str, rules: PduRules, idle_timeout: float | None
    ) -> None:
        self._connection = connection
        self._rules = rules
        self._idle_timeout = idle_timeout
        self._buffer = bytearray()
        self._messages = MessageReader(rules)
        self._waiting: list[IncomingMessage] = []
        self._cancelled: set[int] = set()
        self._max_length = 0
        self.peer = peer
        self.calling = ""
        self.called = ""
        self.proposals: tuple[Proposal, ...] = ()
        self.roles: Mapping[str, Roles] = {}
        self.extended: Mapping[str, bytes] = {}
        self.contexts: dict[int, Context] = {}

    def read_request(self, timeout: float, hasty_pdu: Abort | None) -> None:
        """Wait for the A-ASSOCIATE-RQ and take it apart.

        Args:
            timeout: seconds that each wait for more of it may last.
            hasty_pdu: reaction to another PDU; None: none.

        Raises:
            AssociationEndedError: nothing came in time, or something else.
        """
        try:
            pdu_type = self._read(6, timeout)[0]
            if pdu_type != ASSOCIATE_RQ:
                if hasty_pdu is not None:
                    self.abort(hasty_pdu)
                words = f"expected an A-ASSOCIATE-RQ, saw PDU type {pdu_type:#04x}"
                raise AssociationEndedError(words)
            _, pdu = self._read_pdu(timeout)
        except TimeoutError as error:
            raise AssociationEndedError(f"no complete A-ASSOCIATE-RQ in {timeout:g} s") from error
        try:
            requested = Requested.read(pdu)
        except Exception as error:  # whatever a decoder makes of a malformed PDU
            raise AssociationEndedError(f"A-ASSOCIATE-RQ can't be decoded: {error}") from error
        self._requested = requested
        self.calling, self.called = requested.calling, requested.called
        self.proposals = requested.proposals
        self.roles, self.extended = requested.roles, requested.extended

    def reject(self, rejection: Rejection) -> None:
        """Send A-ASSOCIATE-RJ."""
        self._send(rejection_pdu(rejection))

    def accept(
        self,
        answers: Sequence[ContextAnswer],
        max_length: int,
        roles: Mapping[str, Roles],
        extended: Mapping[str, bytes],
    ) -> None:
        """Send A-ASSOCIATE-AC with ``answers`` to the proposals, in their order."""
        self._max_length = max_length
        self.contexts = {
            proposal.context_id: Context(
                proposal.context_id, proposal.abstract_syntax, answer.transfer_syntax
            )
            for proposal, answer in zip(self.proposals, answers, strict=True)
            if answer.result == ACCEPTED
        }
        self._send(self._requested.acceptance_pdu(answers, max_length, roles, extended))

    def receive(self) -> tuple[Context, IncomingMessage]:
        """The next DIMSE request or response with its context; C-CANCEL requests are set aside.

        Raises:
            AssociationEndedError: released, aborted, closed, idle for too long, or aborted by this
                side because the peer broke the protocol.
        """
        while not self._waiting:
            try:
                pdu_type, pdu = self._read_pdu(self._idle_timeout)
            except TimeoutError as error:
                self.abort()
                words = f"aborted: idle for {self._idle_timeout:g} s"
                raise AssociationEndedError(words) from error
            self._take(pdu_type, pdu)
        message = self._waiting.pop(0)
        context = self.contexts.get(message.context_id)
        if context is None:
            self.abort()
            raise AssociationEndedError(f"aborted: context {message.context_id} was not accepted")
        return context, message

    def cancelled(self, message_id: int) -> bool:
        """Whether a C-CANCEL for ``message_id`` has arrived by now; does not wait."""
        while self._readable():
            try:
                self._take(*self._read_pdu(1.0))
            except TimeoutError:
                break
        return message_id in self._cancelled

    def send(self, message: DimsePrimitiveType, context: Context) -> None:
        """Send a DIMSE request or response."""
        kind = type(message).__name__
        suffix = "RQ" if message.MessageIDBeingRespondedTo is None else "RSP"
        encoded: DIMSEMessage = getattr(dimse_messages, f"{kind}_{suffix}")()
        encoded.primitive_to_message(message)
        size = self._requested.max_length or UNLIMITED
        for primitive in encoded.encode_msg(context.context_id, size):
            self._send(P_DATA_TF(primitive).encode())

    def abort(self, how: Abort = _BY_USER) -> None:
        """Send A-ABORT; the caller closes the connection."""
        with contextlib.suppress(AssociationEndedError):
            self._send(upper_layer.abort(how.source, how.reason))

    def _take(self, pdu_type: int, pdu: bytes) -> None:
        if pdu_type == P_DATA:
            self._take_data(pdu)
        elif pdu_type == RELEASE_RQ:
            self._send(upper_layer.release_response())
            raise AssociationEndedError("released")
        elif pdu_type == ABORT and len(pdu) == SHORT_PDU:
            raise AssociationEndedError(f"aborted by the peer ({pdu[8]}/{pdu[9]})")
        else:
            self.abort(self._rules.unexpected_pdu)
            raise AssociationEndedError(f"aborted: unexpected PDU type {pdu_type:#04x}")

    def _take_data(self, pdu: bytes) -> None:
        try:
            for message in self._messages.take(pdu):
                if isinstance(message.primitive, C_CANCEL):
                    self._cancelled.add(message.primitive.MessageIDBeingRespondedTo or 0)
                else:
                    # a C-CANCEL that came too late does not concern a later request of this ID
                    self._cancelled.discard(message.primitive.MessageID or 0)
                    self._waiting.append(message)
        except MisplacedFragmentError as error:
            self.abort(error.how)
            raise AssociationEndedError(f"aborted: {error}") from error
        except Exception as error:  # whatever a decoder makes of a malformed message
            self.abort(self._rules.malformed_pdu)
            raise AssociationEndedError(f"aborted: message can't be decoded: {error}") from error

    def _readable(self) -> bool:
        if self._buffer:
            return True
        if isinstance(self._connection, ssl.SSLSocket) and self._connection.pending():
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(self._connection, selectors.EVENT_READ)
            return bool(selector.select(0))

    def _read_pdu(self, timeout: float | None) -> tuple[int, bytes]:
        header = self._read(6, timeout)
        pdu_type, _, length = struct.unpack(">BBL", header)
        # by its header: what a peer announces must not decide how much memory it gets
        if pdu_type not in _PDU_TYPES:
            self.abort(self._rules.unknown_pdu)
            raise AssociationEndedError(f"aborted: unknown PDU type {pdu_type:#04x}")
        larger = self._rules.larger_pdu
        if larger is not None and pdu_type == P_DATA and length > self._max_length:
            self.abort(larger)
            words = f"aborted: PDU of {length} bytes, announced maximum is {self._max_length}"
            raise AssociationEndedError(words)
        if length > self._rules.largest_pdu:
            self.abort(self._rules.largest_pdu_abort)
            raise AssociationEndedError(f"aborted: PDU of {length} bytes")
        pdu = self._read(6 + length, timeout)
        del self._buffer[: 6 + length]
        return pdu[0], pdu

    def _read(self, size: int, timeout: float | None) -> bytes:
        """The first ``size`` bytes not consumed yet; each wait for more lasts up to ``timeout``."""
        while len(self._buffer) < size:
            try:
                self._connection.settimeout(timeout)
                data = self._connection.recv(_RECEIVE)
            except TimeoutError:
                raise
            except OSError as error:
                raise AssociationEndedError(f"connection lost: {error.strerror}") from error
            if not data:
                raise AssociationEndedError("connection closed by the peer")
            self._buffer += data
        return bytes(self._buffer[:size])

    def _send(self, data: bytes) -> None:
        try:
            self._connection.settimeout(self._idle_timeout)
            self._connection.sendall(data)
        except OSError as error:
            raise AssociationEndedError(f"connection lost while sending: {error}") from error
