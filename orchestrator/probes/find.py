"""C-FIND at study level for a study that the archive holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from modalities.services.query import Find
from orchestrator.model.scenario import Route
from orchestrator.probes.arrivals import delivery_in_answers
from orchestrator.probes.base import PROBES, Probe, Probed, observed

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
        return observed(self.name, report, delivery_in_answers(study, report.answers))


PROBES.register("find")(FindProbe())
