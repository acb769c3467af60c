"""C-ECHO from a modality to an archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.ladder import Rung
from modalities.services.echo import Echo
from orchestrator.model.scenario import Route
from orchestrator.probes.base import PROBES, Probe, Probed, observed

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class EchoProbe(Probe):
    """Registered as ``echo``."""

    name = "echo"
    goal: ClassVar[Rung] = Rung.DIMSE

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """One C-ECHO on an association of its own."""
        link = (route.source, route.target)
        report = lab.ask(
            route.source, Echo(target=lab.target(link), caller=lab.caller(route.source))
        )
        return observed(self.name, report)


PROBES.register("echo")(EchoProbe())
