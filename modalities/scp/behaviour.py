"""How a node's own SCP behaves: plain data, which whoever tells it and its services know."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dicom.association.ends import Tls
from dicom.association.user_identity import IdentityRules
from dicom.dimse.responses import Failure
from dicom.frozen import Frozen
from dicom.workflow.procedure_steps import MppsRules


class CommitmentRules(Frozen):
    """How N-EVENT-REPORT requests are taken.

    ``role_selection`` is whether a context is refused to who does not propose the SCP role: the
    standard wants the proposal, some archives forget it. ``failure`` answers every report with
    that instead of taking it.
    """

    role_selection: Literal["required", "ignored"] = "required"
    failure: Failure | None = None


class WorklistRules(Frozen):
    """A worklist, and how queries of it are answered.

    ``file`` is relative to the exchange folder (see ``dicom.workflow.schedule``). ``askers`` are
    the calling AE titles that get answers, None for any; others get ``refused``. ``limit`` is how
    many items are answered at most, after which the answer ends as if there were no more.
    ``character_set`` stands for every item's own. ``failure`` answers every query.
    """

    file: str
    askers: tuple[str, ...] | None = None
    refused: Failure = Failure(status=0xA700, comment="not authorized")
    limit: int | None = Field(default=None, ge=0)
    character_set: tuple[str, ...] | None = None
    failure: Failure | None = None


class ScpBehaviour(Frozen):
    """What is offered, and to whom. Verification is always answered.

    ``storage`` offers storage; ``accepted_sop_classes`` and ``accepted_transfer_syntaxes`` are
    UIDs, None accepts all. ``commitment_results`` takes storage commitment results. ``worklist``
    and ``mpps`` offer what a RIS offers. ``called_aetitles`` None accepts any called title,
    otherwise others get RJ 1/1/7. ``user_identity`` None takes no notice of user identities.
    """

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
