"""Deliberate misbehaviour of a sender: objects that are wrong, associations that are."""

from __future__ import annotations

from typing import ClassVar, Final

from pydantic import Field, field_validator

from modalities.misbehaviour.act import AnyAct
from modalities.misbehaviour.alteration import Alteration, AnyAlteration
from orchestrator.errors import UnsupportedError
from orchestrator.faults.base import FAULTS, Fault
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState

#: Probes whose sender can be told to misbehave.
_PROBES: Final = ("store",)


@FAULTS.register("altered-objects")
class AlteredObjects(Fault):
    """The modality sends objects that are wrong, altered byte by byte on their way out.

    An alteration that can't be done to an object is an error, so what was sent is always wrong.
    """

    layer: ClassVar[str] = "data"
    alterations: tuple[AnyAlteration, ...] = Field(
        description="each in words such as `remove PatientID`, one after another"
    )

    @field_validator("alterations")
    @classmethod
    def _some(cls, alterations: tuple[Alteration, ...]) -> tuple[Alteration, ...]:
        # min_length would also complain where items are wrong, besides the items' own errors
        if not alterations:
            raise ValueError("nothing in the list; expected at least one alteration")
        return alterations

    def change(self, state: LabState, route: Route) -> LabState:
        """Alter what is sent from now on."""
        _require_sender(state, route)
        return state.with_study(alterations=self.alterations)


@FAULTS.register("misbehaving-sender")
class MisbehavingSender(Fault):
    """The modality breaks the rules of the upper layer or of DIMSE when it sends.

    Misbehaviour that did not come about is an error, unless the exchange had stopped before.
    """

    layer: ClassVar[str] = "negotiation"
    act: AnyAct = Field(description="in words such as `oversized-pdu bytes=131072`")

    def change(self, state: LabState, route: Route) -> LabState:
        """Misbehave from now on."""
        _require_sender(state, route)
        return state.with_modality(route.source, misbehave=self.act)


def _require_sender(state: LabState, route: Route) -> None:
    """Nothing, where the route's probe is one of a modality's that can misbehave.

    Raises:
        UnsupportedError: it is not.
    """
    if route.probe not in _PROBES or route.source not in state.modalities:
        raise UnsupportedError(
            f"only a modality that sends ({', '.join(_PROBES)}) can be told to misbehave, not"
            f" {route.source} in a {route.probe}"
        )
