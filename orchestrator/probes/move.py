"""C-MOVE from an archive to a workstation or to another archive, proven at the receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.tracing.trace import AssociationTrace
from modalities.commands import Report
from modalities.services.listen import Received
from modalities.services.query import Move
from orchestrator.errors import LabError
from orchestrator.judging.delivery import Delivery, judge_delivery
from orchestrator.model.scenario import Route
from orchestrator.probes.base import PROBES, Probe, Probed, observe
from orchestrator.probes.store import delivery_at

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class MoveProbe(Probe):
    """Registered as ``move``: the source asks the target to send the study to the destination."""

    name = "move"
    needs_held_study: ClassVar[bool] = True
    needs_destination: ClassVar[bool] = True

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """One C-MOVE per study; the first that is stopped decides."""
        if route.destination is None:
            raise LabError(f"route {route.source} → {route.target} has no C-MOVE destination")
        link = (route.source, route.target)
        title = self._title(lab, route, route.destination)
        traces: list[AssociationTrace] = []
        report = Report()
        for uid in study.study_uids:
            report = lab.ask(
                route.source,
                Move(
                    target=lab.target(link),
                    caller=lab.caller(route.source),
                    destination=title,
                    keys={"StudyInstanceUID": uid},
                ),
            )
            traces += report.traces
            if not report.outcome.succeeded:
                break
        delivery = self._delivery(lab, route.target, route.destination, study)
        outcome = delivery.outcome
        if not report.outcome.succeeded:
            outcome = report.outcome
        return Probed(
            observation=observe(self.name, outcome, report=report, details=delivery.details),
            traces=tuple(traces),
        )

    @staticmethod
    def _title(lab: Lab, route: Route, destination: str) -> str:
        """The title to ask for: as the archive has it in its table, else the destination's own."""
        entry = lab.state.entries.get((route.target, destination))
        if entry is not None:
            return entry.title
        if destination in lab.state.archives:
            return lab.state.archives[destination].aetitle
        return lab.state.modalities[destination].aetitle

    @staticmethod
    def _delivery(lab: Lab, holder: str, destination: str, study: SentStudy) -> Delivery:
        if destination in lab.archives:
            return delivery_at(lab, destination, study, sender=holder)
        received = lab.ask(destination, Received()).received
        return judge_delivery(
            study.fingerprints,
            [each.fingerprint for each in received],
            coercions=lab.archives[holder].coercions,
            elsewhere={},
        )


PROBES.register("move")(MoveProbe())
