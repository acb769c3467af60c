"""Modality Performed Procedure Step SCP (PS3.4 annex F)."""

from __future__ import annotations

from typing import Final

from pynetdicom.dimse_primitives import N_CREATE, N_SET, DimsePrimitiveType

from dicom.association.accepted import AcceptedAssociation, Context
from dicom.association.requested import Proposal, Roles
from dicom.dimse.responses import Failure
from dicom.dimse.scu import UNCOMPRESSED
from dicom.services.procedure_step import answer_step
from dicom.workflow.performed_step import MPPS
from dicom.workflow.procedure_steps import MppsRules
from modalities.scp.acceptor import ACCEPTORS, AcceptorNeeds, Support, leniently_read

_UNREADABLE: Final = Failure(status=0x0110)


class MppsAcceptor:
    """Keeps what modalities report of their steps; ``Received`` tells it."""

    def __init__(self, needs: AcceptorNeeds, rules: MppsRules) -> None:
        self._steps, self._rules = needs.intake.procedure_steps, rules

    def supports(self, proposed: Proposal, roles: Roles | None) -> Support | None:
        del roles
        return Support(UNCOMPRESSED) if proposed.abstract_syntax == MPPS else None

    def answer(
        self, association: AcceptedAssociation, context: Context, request: DimsePrimitiveType
    ) -> bool:
        if not isinstance(request, N_CREATE | N_SET):
            return False
        answer_step(
            association,
            context,
            request,
            self._rules,
            self._steps,
            decode=leniently_read,
            unreadable=_UNREADABLE,
        )
        return True


@ACCEPTORS.register("mpps")
def _mpps(needs: AcceptorNeeds) -> MppsAcceptor | None:
    rules = needs.behaviour.mpps
    return None if rules is None else MppsAcceptor(needs, rules)
