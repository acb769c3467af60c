"""An association as acceptor: PS3.8's upper layer, one thread, on pynetdicom's codecs.

pynetdicom's own ``Association`` decides negotiation, abort and response codes by itself. Vendors
differ in just these, so this class only speaks the protocol and leaves every decision to its
caller. The same reason, on the requestor's side, is told in ``modalities/association.py``.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pynetdicom import dimse_messages
from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.dimse_primitives import C_CANCEL, DimsePrimitiveType
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ, P_DATA_TF
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassExtendedNegotiation,
)
from pynetdicom.presentation import PresentationContext

from modalities import upper_layer
from modalities.upper_layer import ABORT, ASSOCIATE_RQ, P_DATA, RELEASE_RQ, SHORT_PDU, UNLIMITED
from orchestrator.stacks.profile.policy import ACCEPTED, Answer, Rejection
from orchestrator.stacks.profile.vendor import Abort, Negotiation

_RECEIVE: Final = 1 << 16
_BY_USER: Final = Abort(source=0, reason=0)


class AssociationEndedError(Exception):
    """The association is over; the message says how, for the archive's log."""


class Proposal(NamedTuple):
    """One presentation context as the requestor proposed it."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


class Context(NamedTuple):
    """One accepted presentation context."""

    context_id: int
    abstract_syntax: str
    transfer_syntax: str


class Roles(NamedTuple):
    """SCP/SCU role selection (PS3.7 D.3.3.4) as the requestor proposed it."""

    scu: bool
    scp: bool


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
        self, connection: socket.socket, peer: str, rules: Negotiation, idle_timeout: float | None
    ) -> None:
        self._connection = connection
        self._rules = rules
        self._idle_timeout = idle_timeout
        self._buffer = bytearray()
        self._message = DIMSEMessage()
        self._waiting: list[tuple[int, DimsePrimitiveType]] = []
        self._cancelled: set[int] = set()
        self._peer_max_length = 0
        self._max_length = 0
        self.peer = peer
        self.calling = ""
        self.called = ""
        self.proposals: tuple[Proposal, ...] = ()
        self.roles: dict[str, Roles] = {}
        self.extended: dict[str, bytes] = {}
        self.contexts: dict[int, Context] = {}

    def read_request(self, timeout: float) -> None:
        """Wait for the A-ASSOCIATE-RQ and take it apart.

        Raises:
            AssociationEndedError: nothing came in time, or something else.
        """
        try:
            pdu_type, pdu = self._read_pdu(timeout)
        except TimeoutError as error:
            raise AssociationEndedError(f"no complete A-ASSOCIATE-RQ in {timeout:g} s") from error
        if pdu_type != ASSOCIATE_RQ:
            raise AssociationEndedError(f"expected an A-ASSOCIATE-RQ, saw PDU type {pdu_type:#04x}")
        request = A_ASSOCIATE_RQ()
        try:
            request.decode(pdu)
            primitive = request.to_primitive()
        except Exception as error:  # whatever a decoder makes of a malformed PDU
            raise AssociationEndedError(f"A-ASSOCIATE-RQ can't be decoded: {error}") from error
        self._request = primitive
        self.calling = str(primitive.calling_ae_title).strip()
        self.called = str(primitive.called_ae_title).strip()
        self.proposals = tuple(
            Proposal(
                int(context.context_id or 0),
                str(context.abstract_syntax),
                tuple(str(uid) for uid in context.transfer_syntax),
            )
            for context in primitive.presentation_context_definition_list
        )
        for item in primitive.user_information:
            if isinstance(item, MaximumLengthNotification):
                self._peer_max_length = int(item.maximum_length_received or 0)
            elif isinstance(item, SCP_SCU_RoleSelectionNegotiation):
                self.roles[str(item.sop_class_uid)] = Roles(
                    bool(item.scu_role), bool(item.scp_role)
                )
            elif isinstance(item, SOPClassExtendedNegotiation):
                information = item.service_class_application_information or b""
                self.extended[str(item.sop_class_uid)] = information

    def reject(self, rejection: Rejection) -> None:
        """Send A-ASSOCIATE-RJ."""
        primitive = A_ASSOCIATE()
        primitive.result = rejection.result
        primitive.result_source = rejection.source
        primitive.diagnostic = rejection.reason
        self._send(A_ASSOCIATE_RJ(primitive).encode())

    def accept(
        self,
        answers: Sequence[Answer],
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
        primitive = A_ASSOCIATE()
        primitive.application_context_name = upper_layer.APPLICATION_CONTEXT
        primitive.calling_ae_title = self._request.calling_ae_title
        primitive.called_ae_title = self._request.called_ae_title
        primitive.result = 0
        primitive.result_source = 1
        primitive.presentation_context_definition_results_list = [
            _context(proposal, answer)
            for proposal, answer in zip(self.proposals, answers, strict=True)
        ]
        primitive.user_information = _user_information(max_length, roles, extended)
        self._send(A_ASSOCIATE_AC(primitive).encode())

    def receive(self) -> tuple[Context, DimsePrimitiveType]:
        """The next DIMSE request or response; C-CANCEL requests are set aside.

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
        context_id, message = self._waiting.pop(0)
        context = self.contexts.get(context_id)
        if context is None:
            self.abort()
            raise AssociationEndedError(f"aborted: context {context_id} was not accepted")
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
        size = self._peer_max_length or UNLIMITED
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
            self.abort(self._rules.unknown_pdu)
            raise AssociationEndedError(f"aborted: unexpected PDU type {pdu_type:#04x}")

    def _take_data(self, pdu: bytes) -> None:
        length = len(pdu) - 6
        if length > self._max_length and self._rules.larger_pdu is not None:
            self.abort(self._rules.larger_pdu)
            words = f"aborted: PDU of {length} bytes, announced maximum is {self._max_length}"
            raise AssociationEndedError(words)
        try:
            data = P_DATA_TF()
            data.decode(pdu)
            if self._message.decode_msg(data.to_primitive()):
                context_id = self._message.context_id or 0
                message, self._message = self._message, DIMSEMessage()
                self._keep(context_id, message.message_to_primitive())
        except Exception as error:  # whatever a decoder makes of a malformed message
            self.abort(self._rules.unknown_pdu)
            raise AssociationEndedError(f"aborted: message can't be decoded: {error}") from error

    def _keep(self, context_id: int, message: DimsePrimitiveType) -> None:
        if isinstance(message, C_CANCEL):
            self._cancelled.add(message.MessageIDBeingRespondedTo or 0)
        else:
            self._waiting.append((context_id, message))

    def _readable(self) -> bool:
        if self._buffer:
            return True
        if isinstance(self._connection, ssl.SSLSocket) and self._connection.pending():
            return True
        return bool(select.select([self._connection], [], [], 0)[0])

    def _read_pdu(self, timeout: float | None) -> tuple[int, bytes]:
        header = self._read(6, timeout)
        _, _, length = struct.unpack(">BBL", header)
        if length > self._rules.largest_pdu:
            # by its header: what a peer announces must not decide how much memory it gets
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


def _context(proposal: Proposal, answer: Answer) -> PresentationContext:
    context = upper_layer.presentation_context(
        proposal.context_id, proposal.abstract_syntax, (answer.transfer_syntax,)
    )
    context.result = answer.result
    return context


def _user_information(
    max_length: int, roles: Mapping[str, Roles], extended: Mapping[str, bytes]
) -> list[Any]:
    own = upper_layer.user_information(max_length)
    items: list[Any] = [own.length, own.implementation]
    for uid, role in roles.items():
        selection = SCP_SCU_RoleSelectionNegotiation()
        selection.sop_class_uid = uid
        selection.scu_role, selection.scp_role = role
        items.append(selection)
    items.append(own.version)
    for uid, information in extended.items():
        negotiation = SOPClassExtendedNegotiation()
        negotiation.sop_class_uid = uid
        negotiation.service_class_application_information = information
        items.append(negotiation)
    return items
