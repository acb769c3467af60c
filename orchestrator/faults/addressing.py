"""Addressing: titles, ports and host names that do not match."""

from __future__ import annotations

import socket
from typing import ClassVar

from pydantic import Field

from dicom.settings import AETitle
from orchestrator.errors import FaultNotInPlaceError
from orchestrator.faults.base import FAULTS, Fault, link_of
from orchestrator.faults.proof import VisibleLab, prove_closed
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState


@FAULTS.register("wrong-called-aetitle")
class WrongCalledAETitle(Fault):
    """The client calls the server by a title that the server does not have."""

    layer: ClassVar[str] = "addressing"
    title: AETitle = Field(description="the title that the client calls")

    def change(self, state: LabState, route: Route) -> LabState:
        """Change the client's address table."""
        return state.with_entry(link_of(route), title=self.title)


@FAULTS.register("calling-aetitle")
class CallingAETitle(Fault):
    """The client introduces itself by another title than the server has in its table."""

    layer: ClassVar[str] = "addressing"
    title: AETitle = Field(description="the client's new title")

    def change(self, state: LabState, route: Route) -> LabState:
        """Change the client's own title; nobody else is told."""
        if route.source in state.archives:
            return state.with_archive(route.source, aetitle=self.title)
        return state.with_modality(route.source, aetitle=self.title)


@FAULTS.register("wrong-port")
class WrongPort(Fault):
    """The client connects to a port on which nothing listens."""

    layer: ClassVar[str] = "addressing"

    def change(self, state: LabState, route: Route) -> LabState:
        """Point the client's entry to the server's closed port."""
        return state.with_entry(link_of(route), port="closed")

    def verify(self, lab: VisibleLab, route: Route) -> tuple[str, ...]:
        """The port must really refuse."""
        return prove_closed(lab, link_of(route))


@FAULTS.register("unresolvable-host")
class UnresolvableHost(Fault):
    """The client has a host name that no resolver knows."""

    layer: ClassVar[str] = "addressing"
    host: str = Field(
        "pacs-old.hospital.invalid",
        description="the name; .invalid never resolves (RFC 2606)",
    )

    def change(self, state: LabState, route: Route) -> LabState:
        """Put the name into the client's entry."""
        return state.with_entry(link_of(route), host=self.host)

    def verify(self, lab: VisibleLab, route: Route) -> tuple[str, ...]:
        """The name must not resolve here; nodes use the same resolver or the engine's."""
        try:
            found = socket.getaddrinfo(self.host, None)
        except socket.gaierror as error:
            return (f"{self.host} does not resolve: {error.strerror}",)
        except UnicodeError as error:  # no host name at all, such as one with two dots in a row
            return (f"{self.host} does not resolve: {error}",)
        raise FaultNotInPlaceError(
            f"{self.host} resolves to {found[0][4][0]}; expected a name that no resolver knows."
            " Some providers answer for names that do not exist: give the fault another host."
        )
