"""Admission: whom an archive lets in, and for which services."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from dicom.settings import AETitle, Service
from orchestrator.faults.base import FAULTS, Fault
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState


@FAULTS.register("accepted-calling-aetitles")
class AcceptedCallingAETitles(Fault):
    """The server lets only these calling AE titles in."""

    layer: ClassVar[str] = "admission"
    titles: tuple[AETitle, ...] = Field(description="the only titles let in")

    def change(self, state: LabState, route: Route) -> LabState:
        """Set the server's list."""
        return state.with_archive(route.target, accepted_calling_aetitles=self.titles)


@FAULTS.register("refused-services")
class RefusedServices(Fault):
    """The server lets everybody in but refuses some services."""

    layer: ClassVar[str] = "admission"
    services: tuple[Service, ...] = Field(min_length=1, description="the services refused")

    def change(self, state: LabState, route: Route) -> LabState:
        """Switch the services off."""
        return state.with_archive(route.target, refused_services=self.services)
