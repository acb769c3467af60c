"""WADO-RS of a study that the archive holds, proven by what arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.datasets.fingerprint import Fingerprint
from dicom.tracing.trace import AssociationTrace
from modalities.commands import Report
from modalities.services.wado import Wado
from orchestrator.judging.delivery import judge_delivery
from orchestrator.model.scenario import Route
from orchestrator.probes.base import PROBES, Probe, Probed, observe

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class WadoProbe(Probe):
    """Registered as ``wado``: the source retrieves the study itself, each object as stored."""

    name = "wado"
    needs_held_study: ClassVar[bool] = True

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """One retrieve per study; the first that is stopped decides."""
        archive = lab.archives[route.target]
        received: list[Fingerprint] = []
        traces: list[AssociationTrace] = []
        report = Report()
        for uid in study.study_uids:
            report = lab.ask(
                route.source,
                Wado(
                    target=archive.dicomweb(),
                    timeouts=lab.caller(route.source).timeouts,
                    study_instance_uid=uid,
                ),
            )
            traces += report.traces
            received += [each.fingerprint for each in report.received]
            if not report.outcome.succeeded:
                break
        delivery = judge_delivery(
            study.fingerprints, received, coercions=archive.coercions, elsewhere={}
        )
        outcome = delivery.outcome
        if not report.outcome.succeeded:
            outcome = report.outcome
        return Probed(
            observation=observe(self.name, outcome, report=report, details=delivery.details),
            traces=tuple(traces),
        )


PROBES.register("wado")(WadoProbe())
