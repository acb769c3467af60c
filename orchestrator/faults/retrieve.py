"""Retrieve: C-MOVE destinations that the archive does not know, or knows wrongly."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from dicom.settings import AETitle
from orchestrator.errors import UnsupportedError
from orchestrator.faults.base import FAULTS, Fault
from orchestrator.faults.proof import VisibleLab, prove_closed
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState, Link


def destination_link(route: Route) -> Link:
    """The link of the C-STORE sub-operations: from the archive to the C-MOVE destination.

    Raises:
        UnsupportedError: the route has no destination.
    """
    if route.destination is None:
        raise UnsupportedError(f"route {route.source} → {route.target} moves nothing anywhere")
    return (route.target, route.destination)


@FAULTS.register("destination-unknown")
class DestinationUnknown(Fault):
    """The C-MOVE destination is missing from the archive's table."""

    layer: ClassVar[str] = "retrieve"

    def change(self, state: LabState, route: Route) -> LabState:
        """Remove the archive's entry."""
        return state.without_entry(destination_link(route))


@FAULTS.register("destination-unreachable")
class DestinationUnreachable(Fault):
    """The archive has the destination's title right and its port wrong."""

    layer: ClassVar[str] = "retrieve"

    def change(self, state: LabState, route: Route) -> LabState:
        """Point the archive's entry to a closed port."""
        return state.with_entry(destination_link(route), port="closed")

    def verify(self, lab: VisibleLab, route: Route) -> tuple[str, ...]:
        """The port must really refuse."""
        return prove_closed(lab, destination_link(route))


@FAULTS.register("destination-wrong-aetitle")
class DestinationWrongAETitle(Fault):
    """The destination listens where the archive thinks, under another title than it thinks."""

    layer: ClassVar[str] = "retrieve"
    title: AETitle = Field(description="the title that the destination now has")

    def change(self, state: LabState, route: Route) -> LabState:
        """The workstation was renamed and checks how it is called; the archive was not told."""
        _, destination = destination_link(route)
        return state.with_modality(destination, aetitle=self.title, called_aetitles=(self.title,))
