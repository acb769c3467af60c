"""The node's own SCP, and what it has received."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dicom.association.ends import Tls
from dicom.association.user_identity import IdentityRules
from dicom.workflow.procedure_steps import MppsRules
from modalities.acceptors.commitment_results import CommitmentRules
from modalities.acceptors.worklist import WorklistRules
from modalities.commands import Command, Report
from modalities.service import Here, service


class Listen(Command):
    """(Re)start the node's own SCP with this behaviour. Verification is always answered.

    ``storage`` offers storage; ``accepted_sop_classes`` and ``accepted_transfer_syntaxes`` are
    UIDs, None accepts all. ``commitment_results`` takes storage commitment results. ``worklist``
    and ``mpps`` offer what a RIS offers. ``called_aetitles`` None accepts any called title,
    otherwise others get RJ 1/1/7. ``user_identity`` None takes no notice of user identities.
    """

    kind: Literal["listen"] = "listen"
    aetitle: str
    port: int = Field(ge=0, le=65535)
    called_aetitles: tuple[str, ...] | None = None
    user_identity: IdentityRules | None = None
    storage: bool = True
    accepted_sop_classes: tuple[str, ...] | None = None
    accepted_transfer_syntaxes: tuple[str, ...] | None = None
    commitment_results: CommitmentRules | None = CommitmentRules()
    worklist: WorklistRules | None = None
    mpps: MppsRules | None = None
    tls: Tls | None = None


class Received(Command):
    """Ask the node's own SCP what it has received since the last ``Forget``.

    Besides instances that is storage commitment results and performed procedure steps.
    """

    kind: Literal["received"] = "received"


class Forget(Command):
    """Empty the node's own SCP and drop its traces."""

    kind: Literal["forget"] = "forget"


@service(Listen)
def _listen(command: Listen, here: Here) -> Report:
    return Report(port=here.reception.listen(command, here.exchange))


@service(Received)
def _received(command: Received, here: Here) -> Report:
    del command
    return here.reception.report()


@service(Forget)
def _forget(command: Forget, here: Here) -> Report:
    del command
    here.reception.forget()
    return Report()
