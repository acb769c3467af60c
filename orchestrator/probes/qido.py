"""QIDO-RS for studies that the archive holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.ladder import Outcome, Rung, Signature
from dicom.tracing.trace import AssociationTrace
from modalities.commands import Report
from modalities.services.qido import Qido
from orchestrator.model.scenario import Route
from orchestrator.probes.base import PROBES, Probe, Probed, observe

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class QidoProbe(Probe):
    """Registered as ``qido``. Delivered means that the answers hold the studies asked for."""

    name = "qido"
    needs_held_study: ClassVar[bool] = True

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """One query per study, by its UID; the first that is stopped decides."""
        found: set[str] = set()
        answers = 0
        traces: list[AssociationTrace] = []
        report = Report()
        for uid in study.study_uids:
            report = lab.ask(
                route.source,
                Qido(
                    target=lab.archives[route.target].dicomweb(),
                    timeouts=lab.caller(route.source).timeouts,
                    keys={"StudyInstanceUID": uid},
                ),
            )
            traces += report.traces
            answers += len(report.answers)
            found |= {answer.get("StudyInstanceUID", "") for answer in report.answers}
            if not report.outcome.succeeded:
                break
        details = (f"{answers} answers for {len(study.study_uids)} studies",)
        outcome = self._outcome(report, found, study)
        observation = observe(self.name, outcome, report=report, details=details)
        return Probed(observation=observation, traces=tuple(traces))

    @staticmethod
    def _outcome(report: Report, found: set[str], study: SentStudy) -> Outcome:
        if not report.outcome.succeeded:
            return report.outcome
        wanted = set(study.study_uids)
        if found >= wanted:
            return Outcome(rung=Rung.DELIVERED)
        kind = "incomplete" if found & wanted else "no-match"
        return Outcome(rung=Rung.DELIVERED, signature=Signature(kind=kind))


PROBES.register("qido")(QidoProbe())
