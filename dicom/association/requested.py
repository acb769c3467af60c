"""An A-ASSOCIATE-RQ taken apart, and the PDUs that answer it (PS3.8 9.3.2 to 9.3.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    SOPClassExtendedNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.presentation import PresentationContext

from dicom.association import upper_layer

#: Presentation-context results (PS3.8 table 9-18).
ACCEPTED: Final = 0
CLASS_REFUSED: Final = 3
SYNTAX_REFUSED: Final = 4


class Rejection(NamedTuple):
    """A-ASSOCIATE-RJ result, source, reason (PS3.8 9.3.4), and why in an administrator's words."""

    result: int
    source: int
    reason: int
    words: str


class ContextAnswer(NamedTuple):
    """Result for one proposed context, and the transfer syntax chosen where it is accepted."""

    result: int
    transfer_syntax: str


class MalformedRequestError(Exception):
    """An A-ASSOCIATE-RQ that can't be read."""


class Proposal(NamedTuple):
    """One presentation context as the requestor proposed it."""

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


class Roles(NamedTuple):
    """SCP/SCU role selection (PS3.7 D.3.3.4) as the requestor proposed it."""

    scu: bool
    scp: bool


@dataclass(frozen=True)
class Requested:
    """What a requestor asks for.

    Attributes:
        calling, called: AE titles without padding.
        proposals: presentation contexts.
        roles: proposed roles per SOP class.
        extended: SOP class extended negotiation (PS3.7 D.3.3.5): application information per class.
        max_length: bytes that the requestor takes in a PDU, 0 for any.
        titles: AE titles as they came, calling and called, which the answer repeats.
        protocol_version: of the upper layer; 1 is the only one (PS3.8 9.3.2).
        identity: who the user is (PS3.7 D.3.3.7).
    """

    calling: str
    called: str
    proposals: tuple[Proposal, ...]
    roles: Mapping[str, Roles]
    extended: Mapping[str, bytes]
    max_length: int
    titles: tuple[str, str]
    protocol_version: int
    identity: UserIdentityNegotiation | None

    @classmethod
    def read(cls, pdu: bytes) -> Requested:
        """Take the PDU apart.

        Raises:
            MalformedRequestError: it can't be read.
        """
        request = A_ASSOCIATE_RQ()
        try:
            request.decode(pdu)
            return cls._of(request.to_primitive(), int(request.protocol_version))
        except Exception as error:  # whatever a decoder makes of a malformed PDU
            raise MalformedRequestError(f"A-ASSOCIATE-RQ can't be decoded: {error}") from error

    @classmethod
    def _of(cls, primitive: A_ASSOCIATE, protocol_version: int) -> Requested:
        max_length = 0
        roles: dict[str, Roles] = {}
        extended: dict[str, bytes] = {}
        identity: UserIdentityNegotiation | None = None
        for item in primitive.user_information:
            if isinstance(item, MaximumLengthNotification):
                max_length = int(item.maximum_length_received or 0)
            elif isinstance(item, SCP_SCU_RoleSelectionNegotiation):
                roles[str(item.sop_class_uid)] = Roles(bool(item.scu_role), bool(item.scp_role))
            elif isinstance(item, SOPClassExtendedNegotiation):
                information = item.service_class_application_information or b""
                extended[str(item.sop_class_uid)] = information
            elif isinstance(item, UserIdentityNegotiation):
                identity = item
        proposals = tuple(
            Proposal(
                int(context.context_id or 0),
                str(context.abstract_syntax),
                tuple(str(uid) for uid in context.transfer_syntax),
            )
            for context in primitive.presentation_context_definition_list
        )
        calling, called = str(primitive.calling_ae_title), str(primitive.called_ae_title)
        return cls(
            calling.strip(),
            called.strip(),
            proposals,
            roles,
            extended,
            max_length,
            (calling, called),
            protocol_version,
            identity,
        )

    def acceptance_pdu(
        self,
        answers: Sequence[ContextAnswer],
        max_length: int,
        roles: Mapping[str, Roles],
        extended: Mapping[str, bytes],
        identity: UserIdentityNegotiation | None,
    ) -> bytes:
        """The A-ASSOCIATE-AC with ``answers`` to the proposals, in their order."""
        primitive = A_ASSOCIATE()
        primitive.application_context_name = upper_layer.APPLICATION_CONTEXT
        primitive.calling_ae_title, primitive.called_ae_title = self.titles
        primitive.result = 0
        primitive.result_source = 1
        primitive.presentation_context_definition_results_list = [
            _context(proposal, answer)
            for proposal, answer in zip(self.proposals, answers, strict=True)
        ]
        primitive.user_information = _user_information(max_length, roles, extended)
        if identity is not None:
            primitive.user_information.append(identity)
        encoded: bytes = A_ASSOCIATE_AC(primitive).encode()
        return encoded


def rejection_pdu(rejection: Rejection) -> bytes:
    """The A-ASSOCIATE-RJ."""
    primitive = A_ASSOCIATE()
    primitive.result = rejection.result
    primitive.result_source = rejection.source
    primitive.diagnostic = rejection.reason
    encoded: bytes = A_ASSOCIATE_RJ(primitive).encode()
    return encoded


def _context(proposal: Proposal, answer: ContextAnswer) -> PresentationContext:
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
