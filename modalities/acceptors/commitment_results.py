"""Storage Commitment SCU as acceptor: the archive reports on an association of its own.

PS3.4 J.3.3: the SCP of the service opens an association to the SCU and proposes the SCP role.
"""

from __future__ import annotations

from typing import Final

from pynetdicom.dimse_primitives import N_EVENT_REPORT, DimsePrimitiveType

from dicom.association.accepted import AcceptedAssociation, Context
from dicom.association.requested import Proposal, Roles
from dicom.datasets.encoding import MalformedDatasetError
from dicom.dimse.responses import DimseReply, Failure
from dicom.dimse.scu import UNCOMPRESSED
from dicom.services.responses import content_of, replied, response_to
from dicom.workflow.storage_commitment import STORAGE_COMMITMENT, commitment_result
from modalities.scp.acceptor import ACCEPTORS, AcceptorNeeds, Support, leniently_read
from modalities.scp.behaviour import CommitmentRules

_SCP_ONLY: Final = Roles(scu=False, scp=True)
#: PS3.7 10.1.1.1.8: a required argument has no valid value.
_INVALID: Final = Failure(status=0x0115, comment="Transaction UID is missing")
_UNREADABLE: Final = Failure(status=0x0110)


class CommitmentResultsAcceptor:
    """Takes N-EVENT-REPORTs about earlier N-ACTIONs of this node, whoever they come from."""

    def __init__(self, needs: AcceptorNeeds, rules: CommitmentRules) -> None:
        self._intake, self._rules = needs.intake, rules

    def supports(self, proposed: Proposal, roles: Roles | None) -> Support | None:
        if proposed.abstract_syntax != STORAGE_COMMITMENT:
            return None
        wants_scp = roles is not None and roles.scp
        if not wants_scp and self._rules.role_selection == "required":
            return None
        return Support(UNCOMPRESSED, _SCP_ONLY if wants_scp else None)

    def answer(
        self, association: AcceptedAssociation, context: Context, request: DimsePrimitiveType
    ) -> bool:
        if not isinstance(request, N_EVENT_REPORT):
            return False
        response = response_to(request)
        replied(response, self._taken(request, context), context.transfer_syntax)
        association.send(response, context)
        return True

    def _taken(self, request: N_EVENT_REPORT, context: Context) -> DimseReply:
        if self._rules.failure is not None:
            return DimseReply.failed(self._rules.failure)
        try:
            information = leniently_read(content_of(request), context.transfer_syntax)
        except MalformedDatasetError:
            return DimseReply.failed(_UNREADABLE)
        result = commitment_result(information, "own")
        if not result.transaction_uid:
            return DimseReply.failed(_INVALID)
        self._intake.add_commitment(result)
        return DimseReply()


@ACCEPTORS.register("commitment-results")
def _commitment_results(needs: AcceptorNeeds) -> CommitmentResultsAcceptor | None:
    rules = needs.behaviour.commitment_results
    return None if rules is None else CommitmentResultsAcceptor(needs, rules)
