"""The settings of a simulated modality, workstation or RIS as the scenario's words."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from dicom.association.ends import Caller, Timeouts
from dicom.association.negotiated import (
    AsynchronousOperations,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    RoleSelection,
    UserIdentity,
)
from dicom.association.user_identity import IdentityRules
from dicom.datasets.uids import uid_of
from dicom.frozen import Frozen
from dicom.settings import AETitle
from modalities.services.store import ProposedContext


def _with_uids(context: ProposedContext) -> ProposedContext:
    return ProposedContext(
        abstract_syntax=uid_of(context.abstract_syntax),
        transfer_syntaxes=tuple(map(uid_of, context.transfer_syntaxes)),
    )


#: By UID or keyword.
Uid = Annotated[str, AfterValidator(uid_of)]
Context = Annotated[ProposedContext, AfterValidator(_with_uids)]


class ModalitySettings(Frozen):
    """What a scenario can set on a node of the lab's own, as SCU and as SCP."""

    max_pdu_length: int = Field(
        16382, ge=0, description="maximum PDU length that it announces, bytes; 0 for any"
    )
    timeouts: Timeouts = Field(
        Timeouts(), description="seconds to wait: connect, acse, dimse, network"
    )
    contexts: tuple[Context, ...] | None = Field(
        None, description="presentation contexts that a store proposes, whatever it sends"
    )
    one_context_per_syntax: bool = Field(
        True, description="propose a context for each transfer syntax, not one for each SOP class"
    )
    associations: int = Field(1, ge=1, le=64, description="associations that share a store")
    user_identity: UserIdentity | None = Field(
        None, description="user identity that every association request carries"
    )
    asynchronous: AsynchronousOperations | None = Field(
        None, description="asynchronous operations window that is proposed"
    )
    roles: tuple[RoleSelection, ...] = Field((), description="role selections that are proposed")
    extended: tuple[ExtendedNegotiation, ...] = Field(
        (), description="SOP class extended negotiation, byte by byte"
    )
    common_extended: tuple[CommonExtendedNegotiation, ...] = Field(
        (), description="SOP class common extended negotiation"
    )
    implementation_class_uid: str | None = Field(
        None, description="implementation class UID that it gives as its own"
    )
    implementation_version_name: str | None = Field(
        None, description="implementation version name that it gives as its own; empty: none"
    )
    application_context: str | None = Field(
        None, description="application context name instead of DICOM's"
    )
    called_aetitles: tuple[AETitle, ...] | None = Field(
        None, description="the only called AE titles that its own SCP accepts"
    )
    accepted_sop_classes: tuple[Uid, ...] | None = Field(
        None, description="the only storage SOP classes that its own SCP accepts (UIDs or keywords)"
    )
    accepted_transfer_syntaxes: tuple[Uid, ...] | None = Field(
        None, description="the only transfer syntaxes that its own SCP accepts (UIDs or keywords)"
    )
    accepted_users: IdentityRules | None = Field(
        None, description="whom its own SCP accepts by user identity"
    )

    def own_side(self, aetitle: str) -> Caller:
        """Its own side of the associations that it opens, as ``aetitle``."""
        shared = Caller.model_fields.keys() & type(self).model_fields.keys()
        return Caller(calling=aetitle, **{name: getattr(self, name) for name in shared})
