"""C-MOVE from an archive to a workstation or to another archive, proven at the receiver."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from modalities.commands import Report
from modalities.services.listen import Received
from modalities.services.query import Move
from orchestrator.errors import LabError
from orchestrator.judging.delivery import Delivery
from orchestrator.model.scenario import Route
from orchestrator.probes.arrivals import delivery_at, delivery_from
from orchestrator.probes.base import PROBES, Probe, Probed, each_study, observed

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class MoveProbe(Probe):
    """Registered as ``move``: the source asks the target to send the study to the destination."""

    name = "move"
    needs_held_study: ClassVar[bool] = True
    needs_destination: ClassVar[bool] = True

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """One C-MOVE per study."""
        if route.destination is None:
            raise LabError(f"route {route.source} → {route.target} has no C-MOVE destination")
        title = self._title(lab, route, route.destination)

        def move(uid: str) -> Report:
            return lab.ask(
                route.source,
                Move(
                    target=lab.target((route.source, route.target)),
                    caller=lab.caller(route.source),
                    destination=title,
                    keys={"StudyInstanceUID": uid},
                ),
            )

        report = each_study(study, move)
        delivery = self._delivery(lab, route.target, route.destination, study)
        return observed(self.name, report, delivery)

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
        return delivery_from(lab, holder, study, lab.ask(destination, Received()).received)


PROBES.register("move")(MoveProbe())
