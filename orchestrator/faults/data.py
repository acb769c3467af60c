"""Data: what is wrong with the objects themselves."""

from __future__ import annotations

from typing import ClassVar

from orchestrator.faults.base import FAULTS, Fault
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState


@FAULTS.register("reused-uids")
class ReusedUids(Fault):
    """The modality gives new images the SOP Instance UIDs of images that it sent before."""

    layer: ClassVar[str] = "data"

    def change(self, state: LabState, route: Route) -> LabState:
        """Reuse the baseline's UIDs with other content."""
        return state.with_study(reuse_uids=True)
