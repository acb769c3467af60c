"""Negotiation: what an archive accepts, and what it is offered."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from dicom.datasets.uids import uid_of
from orchestrator.faults.base import FAULTS, Fault
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState


def _known(name: str) -> str:
    uid_of(name)
    return name


UidName = Annotated[str, AfterValidator(_known)]


@FAULTS.register("accepted-sop-classes")
class AcceptedSopClasses(Fault):
    """The server's list of storage SOP classes lacks what the client sends."""

    layer: ClassVar[str] = "negotiation"
    sop_classes: tuple[UidName, ...] = Field(min_length=1, description="UIDs or keywords")

    def change(self, state: LabState, route: Route) -> LabState:
        """Set the server's list."""
        return state.with_archive(route.target, accepted_sop_classes=self.sop_classes)


@FAULTS.register("accepted-transfer-syntaxes")
class AcceptedTransferSyntaxes(Fault):
    """The server's list of storage transfer syntaxes lacks what the client sends."""

    layer: ClassVar[str] = "negotiation"
    transfer_syntaxes: tuple[UidName, ...] = Field(min_length=1, description="UIDs or keywords")

    def change(self, state: LabState, route: Route) -> LabState:
        """Set the server's list."""
        return state.with_archive(route.target, accepted_transfer_syntaxes=self.transfer_syntaxes)


@FAULTS.register("new-object-type")
class NewObjectType(Fault):
    """The client sends objects of a SOP class that is newer than the server's list, or private."""

    layer: ClassVar[str] = "negotiation"
    sop_class: UidName = Field(description="UID or keyword of the SOP class sent instead")

    def change(self, state: LabState, route: Route) -> LabState:
        """Change the class of what is sent."""
        change = {**state.study.change, "SOPClassUID": uid_of(self.sop_class)}
        return state.with_study(change=change)
