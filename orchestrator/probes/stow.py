"""STOW-RS of a study from a modality to an archive, proven at the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modalities.services.stow import Stow
from orchestrator.model.scenario import Route
from orchestrator.probes.arrivals import delivery_at
from orchestrator.probes.base import PROBES, Probe, Probed, observed

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class StowProbe(Probe):
    """Registered as ``stow``.

    A refused request is an HTTP status at ``dimse``; a 2xx whose body names failures is the first
    one's Failure Reason; a 2xx after which the archive holds nothing is ``lost``.
    """

    name = "stow"

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """Send all files in one request, then ask the archive what it holds."""
        report = lab.ask(
            route.source,
            Stow(
                target=lab.archives[route.target].dicomweb(),
                timeouts=lab.caller(route.source).timeouts,
                files=study.files,
                alterations=lab.state.study.alterations,
            ),
        )
        return observed(self.name, report, delivery_at(lab, route.target, study))


PROBES.register("stow")(StowProbe())
