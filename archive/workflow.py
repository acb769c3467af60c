"""The archive's part in the workflow of a department: worklist, MPPS, storage commitment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pynetdicom.dimse_primitives import (
    C_FIND,
    N_ACTION,
    N_CREATE,
    N_EVENT_REPORT,
    N_SET,
    DimsePrimitiveType,
)

from archive.commitment import Committer
from archive.policy import Policy
from archive.vendor import WorklistService
from dicom.association.accepted import AcceptedAssociation, Context
from dicom.datasets.codec import decode
from dicom.dimse.responses import Failure
from dicom.services.procedure_step import answer_step
from dicom.services.query import answer_find, worklist_items
from dicom.workflow.procedure_steps import ProcedureSteps
from dicom.workflow.schedule import Schedule

_UNREADABLE: Final = Failure(status=0xC000, comment="{error}")


class Workflow:
    """What the archive knows of scheduled and performed procedure steps, and who commits.

    Args:
        committer: takes requests for storage commitment.
        log: the archive's.

    Attributes:
        schedule: the worklist, replaced as a whole.
        steps: what modalities reported.
    """

    def __init__(self, committer: Committer, log: Callable[[str], None]) -> None:
        self._committer, self._log = committer, log
        self.schedule = Schedule()
        self.steps = ProcedureSteps()

    def forget(self) -> None:
        """Empty the worklist and drop what modalities reported."""
        self.schedule = Schedule()
        self.steps.forget()

    def stop(self) -> None:
        """Report no more results; idempotent."""
        self._committer.stop()

    def answer(
        self,
        policy: Policy,
        association: AcceptedAssociation,
        context: Context,
        message: DimsePrimitiveType,
    ) -> bool:
        """Answer ``message`` if it belongs here, and say whether it does.

        Raises:
            AssociationEndedError: the vendor aborts instead.
        """
        profile = policy.profile
        service = policy.service_of(context.abstract_syntax, association.called)
        is_response = message.MessageIDBeingRespondedTo is not None
        if service == "commit" and isinstance(message, N_EVENT_REPORT) and is_response:
            self._committer.reported(association.calling, message)
        elif is_response:
            return False
        elif (
            profile.commitment is not None and service == "commit" and isinstance(message, N_ACTION)
        ):
            self._committer.request(policy, profile.commitment, association, context, message)
        elif (
            profile.mpps is not None and service == "mpps" and isinstance(message, N_CREATE | N_SET)
        ):
            words = answer_step(
                association,
                context,
                message,
                profile.mpps,
                self.steps,
                decode=decode,
                unreadable=profile.mpps.invalid_value,
            )
            self._log(words)
        elif profile.worklist is not None and service == "worklist" and isinstance(message, C_FIND):
            self._answer_query(profile.worklist, association, context, message)
        else:
            return False
        return True

    def _answer_query(
        self,
        rules: WorklistService,
        association: AcceptedAssociation,
        context: Context,
        request: C_FIND,
    ) -> None:
        """Answer with the items that match and are not hidden (F12b)."""
        steps = (each for each in self.schedule.steps if each.status not in rules.hidden_statuses)
        shown = Schedule(steps=tuple(steps))
        ending = answer_find(
            association,
            context,
            request,
            lambda asked: worklist_items(lambda: shown, asked),
            decode=decode,
            unreadable=_UNREADABLE,
        )
        title = f"worklist C-FIND from {association.calling}"
        if ending.refused:
            self._log(f"{title} refused: {ending.refused}")
        self._log(f"{title}: {ending.matches} matches")
