"""WADO-RS of a study that the archive holds, proven by what arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from modalities.commands import Report
from modalities.services.wado import Wado
from orchestrator.model.scenario import Route
from orchestrator.probes.arrivals import delivery_from
from orchestrator.probes.base import PROBES, Probe, Probed, each_study, observed

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class WadoProbe(Probe):
    """Registered as ``wado``: the source retrieves the study itself, each object as stored."""

    name = "wado"
    needs_held_study: ClassVar[bool] = True

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """One retrieve per study."""

        def retrieve(uid: str) -> Report:
            return lab.ask(
                route.source,
                Wado(
                    target=lab.archives[route.target].dicomweb(),
                    timeouts=lab.caller(route.source).timeouts,
                    study_instance_uid=uid,
                ),
            )

        report = each_study(study, retrieve)
        delivery = delivery_from(lab, route.target, study, report.received)
        return observed(self.name, report, delivery)


PROBES.register("wado")(WadoProbe())
