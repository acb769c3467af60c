"""Storage Commitment SCU as acceptor: the archive reports on an association of its own.

PS3.4 J.3.3: the SCP of the service opens an association to the SCU and proposes the SCP role.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from pydicom import Dataset
from pynetdicom import evt
from pynetdicom.presentation import PresentationContext

from dicom.dimse.responses import SUCCESS, Failure, Reply
from dicom.frozen import Frozen
from dicom.workflow.storage_commitment import STORAGE_COMMITMENT, commitment_result
from modalities.scp.acceptor import ACCEPTORS, Hosting, Role, supported

_SCP_ONLY: Final = Role(scu=False, scp=True)
#: PS3.7 10.1.1.1.8: a required argument has no valid value.
_INVALID: Final = Failure(status=0x0115, comment="Transaction UID is missing")


class CommitmentRules(Frozen):
    """How N-EVENT-REPORT requests are taken.

    ``role_selection`` is whether a context is refused to who does not propose the SCP role: the
    standard wants the proposal, some archives forget it. ``failure`` answers every report with
    that instead of taking it.
    """

    role_selection: Literal["required", "ignored"] = "required"
    failure: Failure | None = None


class CommitmentResultsAcceptor:
    """Takes N-EVENT-REPORTs about earlier N-ACTIONs of this node, whoever they come from."""

    def __init__(self, hosting: Hosting, rules: CommitmentRules) -> None:
        self._intake, self._rules = hosting.intake, rules

    @property
    def events(self) -> Mapping[Any, Callable[[Any], Any]]:
        """N-EVENT-REPORT."""
        return {evt.EVT_N_EVENT_REPORT: self._report}

    def supports(
        self, proposed: PresentationContext, role: Role | None
    ) -> PresentationContext | None:
        """The push model, where the requestor wants to be its SCP."""
        if proposed.abstract_syntax != STORAGE_COMMITMENT:
            return None
        wants_scp = role is not None and role.scp
        if not wants_scp and self._rules.role_selection == "required":
            return None
        return supported(STORAGE_COMMITMENT, role=_SCP_ONLY if wants_scp else None)

    def _report(self, event: Any) -> tuple[Dataset | int, None]:
        if self._rules.failure is not None:
            return Reply.failed(self._rules.failure).command_attributes(), None
        result = commitment_result(event.event_information, "own")
        if not result.transaction_uid:
            return Reply.failed(_INVALID).command_attributes(), None
        self._intake.add_commitment(result)
        return SUCCESS, None


@ACCEPTORS.register("commitment-results")
def _commitment_results(hosting: Hosting) -> CommitmentResultsAcceptor | None:
    rules = hosting.listen.commitment_results
    return None if rules is None else CommitmentResultsAcceptor(hosting, rules)
