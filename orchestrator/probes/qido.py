"""QIDO-RS for studies that the archive holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from modalities.commands import Report
from modalities.services.qido import Qido
from orchestrator.model.scenario import Route
from orchestrator.probes.arrivals import delivery_in_answers
from orchestrator.probes.base import PROBES, Probe, Probed, each_study, observed

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class QidoProbe(Probe):
    """Registered as ``qido``. Delivered means that the answers hold the studies asked for."""

    name = "qido"
    needs_held_study: ClassVar[bool] = True

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """One query per study, by its UID."""

        def query(uid: str) -> Report:
            return lab.ask(
                route.source,
                Qido(
                    target=lab.archives[route.target].dicomweb(),
                    timeouts=lab.caller(route.source).timeouts,
                    keys={"StudyInstanceUID": uid},
                ),
            )

        report = each_study(study, query)
        return observed(self.name, report, delivery_in_answers(study, report.answers))


PROBES.register("qido")(QidoProbe())
