"""Verification SCP (PS3.4 annex A); every node answers."""

from __future__ import annotations

from pynetdicom.dimse_primitives import C_ECHO, DimsePrimitiveType

from dicom.association.accepted import AcceptedAssociation, Context
from dicom.association.requested import Proposal, Roles
from dicom.dimse.scu import VERIFICATION
from dicom.services.verification import answer_echo
from modalities.scp.acceptor import ACCEPTORS, AcceptorNeeds, Support


class VerificationAcceptor:
    """Answers C-ECHO in any transfer syntax, or in the configured ones."""

    def __init__(self, needs: AcceptorNeeds) -> None:
        self._syntaxes = needs.behaviour.accepted_transfer_syntaxes

    def supports(self, proposed: Proposal, roles: Roles | None) -> Support | None:
        del roles
        if proposed.abstract_syntax != VERIFICATION:
            return None
        return Support(self._syntaxes or proposed.transfer_syntaxes)

    def answer(
        self, association: AcceptedAssociation, context: Context, request: DimsePrimitiveType
    ) -> bool:
        if not isinstance(request, C_ECHO):
            return False
        answer_echo(association, context, request)
        return True


ACCEPTORS.register("verification")(VerificationAcceptor)
