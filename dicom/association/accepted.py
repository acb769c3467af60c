"""An association as acceptor: PS3.8's upper layer, one thread, on pynetdicom's codecs.

pynetdicom's own ``Association`` decides negotiation, abort and response codes by itself. Products
differ in just these, so this class only speaks the protocol, as ``state_machine`` has it, and
leaves every decision to its caller and its rules. The same reason, on the requestor's side, is
told in ``dicom/association/requestor.py``.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, NoReturn

from pynetdicom import dimse_messages
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import C_CANCEL, DimsePrimitiveType
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from dicom.association import upper_layer
from dicom.association.messages import IncomingMessage, MessageReader
from dicom.association.pdu_stream import BrokenProtocolError, ConnectionLostError, PduStream
from dicom.association.requested import (
    ACCEPTED,
    ContextAnswer,
    MalformedRequestError,
    Rejection,
    Requested,
    Roles,
    rejection_pdu,
)
from dicom.association.rules import Abort, PduRules
from dicom.association.state_machine import OVER, PDU_EVENTS, TRANSITIONS, Event, State, Step
from dicom.association.upper_layer import SHORT_PDU, UNLIMITED
from dicom.tracing.tracer import StreamTracer

_RECEIVE: Final = 1 << 16
_BY_USER: Final = Abort(source=0, reason=0)


class AssociationEndedError(Exception):
    """The association is over; the message says how, for a log."""


class Context(NamedTuple):
    """One accepted presentation context."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str


class AcceptedAssociation:
    """One connection on which a requestor asks for an association.

    Args:
        connection, peer: the connection, and who opened it.
        rules: how PDUs are answered that are not due or can't be read.
        idle_timeout: seconds that an association may stay silent, None for any.
        tracer: sees what passes.

    Attributes:
        requested: what the requestor asks for, after ``read_request``.
        contexts: accepted contexts by their ID, after ``accept``.
    """

    def __init__(
        self,
        connection: socket.socket,
        peer: str,
        rules: PduRules,
        idle_timeout: float | None,
        tracer: StreamTracer | None = None,
    ) -> None:
        self._stream = PduStream(connection, rules, idle_timeout, tracer)
        self._rules = rules
        self._idle_timeout = idle_timeout
        self._messages = MessageReader(rules)
        self._waiting: list[IncomingMessage] = []
        self._cancelled: set[int] = set()
        self._indicate = {
            Event.P_DATA: self._take_data,
            Event.RELEASE_RQ: self._take_release,
        }
        self._state = State.IDLE
        self._happens(Event.CONNECTED)
        self.peer = peer
        self.requested: Requested
        self.contexts: dict[int, Context] = {}

    @property
    def calling(self) -> str:
        """AE title of the requestor, without padding."""
        return self.requested.calling

    @property
    def called(self) -> str:
        """AE title that the requestor asks for, without padding."""
        return self.requested.called

    def read_request(
        self, timeout: float, hasty_pdu: Abort | None, malformed: Abort | None = None
    ) -> None:
        """Wait for the A-ASSOCIATE-RQ and take it apart.

        Args:
            timeout: seconds that each wait for more of it may last.
            hasty_pdu: reaction to another PDU; None: none.
            malformed: reaction to an A-ASSOCIATE-RQ that can't be read; None: none.

        Raises:
            AssociationEndedError: nothing came in time, or something else.
        """
        try:
            pdu_type = self._stream.next_type(timeout)
            event = PDU_EVENTS.get(pdu_type, Event.INVALID_PDU)
            if event is not Event.ASSOCIATE_RQ:
                words = f"expected an A-ASSOCIATE-RQ, saw PDU type {pdu_type:#04x}"
                self._end(event, words, hasty_pdu)
            pdu = self._read_pdu(timeout)
        except ConnectionLostError as error:
            self._end(Event.CLOSED, str(error))
        except TimeoutError:
            self._end(Event.TIMER_EXPIRED, f"no complete A-ASSOCIATE-RQ in {timeout:g} s")
        try:
            self.requested = Requested.read(pdu)
        except MalformedRequestError as error:
            self._end(Event.INVALID_PDU, str(error), malformed)
        self._happens(Event.ASSOCIATE_RQ)

    def reject(self, rejection: Rejection) -> None:
        """Send A-ASSOCIATE-RJ."""
        self._happens(Event.REJECT, rejection_pdu(rejection))

    def accept(
        self,
        answers: Sequence[ContextAnswer],
        max_length: int,
        roles: Mapping[str, Roles],
        extended: Mapping[str, bytes],
        identity: UserIdentityNegotiation | None = None,
    ) -> None:
        """Send A-ASSOCIATE-AC with ``answers`` to the proposals, in their order.

        Args:
            max_length: bytes that a PDU may have, 0 for any.
            roles, extended, identity: what else is answered, where it was asked for.
        """
        self._stream.max_length = max_length
        self.contexts = {
            proposal.context_id: Context(
                proposal.context_id, proposal.abstract_syntax, answer.transfer_syntax
            )
            for proposal, answer in zip(self.requested.proposals, answers, strict=True)
            if answer.result == ACCEPTED
        }
        pdu = self.requested.acceptance_pdu(answers, max_length, roles, extended, identity)
        self._happens(Event.ACCEPT, pdu)

    def receive(self) -> tuple[Context, IncomingMessage]:
        """The next DIMSE request or response with its context; C-CANCEL requests are set aside.

        Raises:
            AssociationEndedError: released, aborted, closed, idle for too long, or aborted by this
                side because the peer broke the protocol.
        """
        while not self._waiting:
            try:
                self._take_pdu(self._idle_timeout)
            except TimeoutError:
                self.give_up(f"aborted: idle for {self._idle_timeout:g} s")
        message = self._waiting.pop(0)
        context = self.contexts.get(message.context_id)
        if context is None:
            self.give_up(f"aborted: context {message.context_id} was not accepted")
        return context, message

    def cancelled(self, message_id: int) -> bool:
        """Whether a C-CANCEL for ``message_id`` has arrived by now; does not wait."""
        while self._stream.readable():
            try:
                self._take_pdu(1.0)
            except TimeoutError:
                break
        return message_id in self._cancelled

    def send(self, message: DimsePrimitiveType, context: Context) -> None:
        """Send a DIMSE request or response."""
        kind = type(message).__name__
        suffix = "RQ" if message.MessageIDBeingRespondedTo is None else "RSP"
        encoded: DIMSEMessage = getattr(dimse_messages, f"{kind}_{suffix}")()
        encoded.primitive_to_message(message)
        size = self.requested.max_length or UNLIMITED
        for primitive in encoded.encode_msg(context.context_id, size):
            self._happens(Event.SEND_DATA, P_DATA_TF(primitive).encode())

    def abort(self, how: Abort = _BY_USER) -> None:
        """Send A-ABORT; the caller closes the connection."""
        with contextlib.suppress(AssociationEndedError):
            self._happens(Event.ABORT_REQUEST, how=how)

    def give_up(self, words: str, how: Abort = _BY_USER) -> NoReturn:
        """Send A-ABORT and end.

        Raises:
            AssociationEndedError: with ``words``.
        """
        self.abort(how)
        raise AssociationEndedError(words)

    def _happens(self, event: Event, pdu: bytes = b"", how: Abort | None = None) -> None:
        """Do what the state machine says.

        Args:
            pdu: what is sent or has come.
            how: what an A-ABORT says, where one is due; None sends none.

        Raises:
            AssociationEndedError: the association is over already, or with what was to be sent.
        """
        action = TRANSITIONS.get((event, self._state))
        if action is None:
            raise AssociationEndedError(f"over already: {event.name} in {self._state.value}")
        self._state = action.next
        if action.step is Step.SEND:
            self._send(pdu)
        elif action.step is Step.INDICATE and event in self._indicate:
            self._indicate[event](pdu)
        elif action.step is Step.ABORT and how is not None:
            with contextlib.suppress(AssociationEndedError):
                self._send(upper_layer.abort(how.source, how.reason))

    def _end(self, event: Event, words: str, how: Abort | None = None) -> NoReturn:
        """``event`` ends the association.

        Raises:
            AssociationEndedError: with ``words``.
        """
        self._happens(event, how=how)
        raise AssociationEndedError(words)

    def _take_pdu(self, timeout: float | None) -> None:
        """Take the next PDU, as far as it is due.

        Raises:
            TimeoutError: it does not come within ``timeout`` seconds.
        """
        pdu = self._read_pdu(timeout)
        event = PDU_EVENTS[pdu[0]]
        words = f"aborted: unexpected PDU type {pdu[0]:#04x}"
        if event is Event.ABORT and len(pdu) == SHORT_PDU:
            words = f"aborted by the peer ({pdu[8]}/{pdu[9]})"
        elif event is Event.ABORT:
            event = Event.INVALID_PDU
        self._happens(event, pdu, self._rules.unexpected_pdu)
        if self._state in OVER:
            raise AssociationEndedError(words)

    def _take_release(self, _: bytes) -> None:
        self._happens(Event.RELEASE_RESPONSE, upper_layer.release_response())
        raise AssociationEndedError("released")

    def _take_data(self, pdu: bytes) -> None:
        try:
            for message in self._messages.take(pdu):
                if isinstance(message.primitive, C_CANCEL):
                    self._cancelled.add(message.primitive.MessageIDBeingRespondedTo or 0)
                else:
                    # a C-CANCEL that came too late does not concern a later request of this ID
                    self._cancelled.discard(message.primitive.MessageID or 0)
                    self._waiting.append(message)
        except BrokenProtocolError as error:
            self._end(Event.INVALID_PDU, f"aborted: {error}", error.how)

    def _read_pdu(self, timeout: float | None) -> bytes:
        try:
            return self._stream.read(timeout)
        except BrokenProtocolError as error:
            self._end(Event.INVALID_PDU, f"aborted: {error}", error.how)
        except ConnectionLostError as error:
            self._end(Event.CLOSED, str(error))

    def _send(self, pdu: bytes) -> None:
        try:
            self._stream.send(pdu)
        except ConnectionLostError as error:
            self._end(Event.CLOSED, str(error))
