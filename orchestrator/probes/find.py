"""C-FIND at study level for a study that the archive holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.ladder import Outcome, Rung, Signature
from modalities.commands import Report
from modalities.services.query import Find
from orchestrator.model.scenario import Route
from orchestrator.probes.base import PROBES, Probe, Probed, observe

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class FindProbe(Probe):
    """Registered as ``find``. Delivered means that the answers hold the studies asked for."""

    name = "find"
    needs_held_study: ClassVar[bool] = True

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """One query for the study's UID, asking for the patient's ID and name back."""
        link = (route.source, route.target)
        keys = {
            "StudyInstanceUID": "\\".join(study.study_uids),
            "PatientID": "",
            "PatientName": "",
            "StudyDate": "",
        }
        report = lab.ask(
            route.source, Find(target=lab.target(link), caller=lab.caller(route.source), keys=keys)
        )
        outcome = self._outcome(report, study)
        details = (f"{len(report.answers)} answers for {len(study.study_uids)} studies",)
        observation = observe(self.name, outcome, report=report, details=details)
        return Probed(observation=observation, traces=report.traces)

    @staticmethod
    def _outcome(report: Report, study: SentStudy) -> Outcome:
        if not report.outcome.succeeded:
            return report.outcome
        found = {answer.get("StudyInstanceUID", "") for answer in report.answers}
        if found >= set(study.study_uids):
            return Outcome(rung=Rung.DELIVERED)
        kind = "incomplete" if found & set(study.study_uids) else "no-match"
        return Outcome(rung=Rung.DELIVERED, signature=Signature(kind=kind))


PROBES.register("find")(FindProbe())
