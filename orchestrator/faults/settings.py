"""Settings that are wrong: any of an archive's, or of a modality's own."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from orchestrator.errors import UnsupportedError
from orchestrator.faults.base import FAULTS, Fault
from orchestrator.model.modality_settings import ModalitySettings
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState


@FAULTS.register("modality-settings")
class ModalitySettingsFault(Fault):
    """The modality that starts the exchange is set up otherwise."""

    layer: ClassVar[str] = "negotiation"
    settings: ModalitySettings = Field(description="settings of a modality that are changed")

    def change(self, state: LabState, route: Route) -> LabState:
        """Change the settings of the route's source.

        Raises:
            UnsupportedError: an archive starts the exchange; its settings are a vendor's.
        """
        if route.source not in state.modalities:
            raise UnsupportedError(
                f"{route.source} is an archive, which has no settings of a modality"
            )
        return state.with_modality(route.source, **self._given())

    def _given(self) -> dict[str, Any]:
        return self.settings.model_dump(exclude_unset=True)
