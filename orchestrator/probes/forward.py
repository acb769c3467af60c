"""Archive to archive: the source's own sender, triggered the vendor's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.forwarding import ForwardReport
from dicom.ladder import Outcome, Rung, Signature
from orchestrator.evidence.pdu import outcome_of
from orchestrator.model.scenario import Route
from orchestrator.probes.base import PROBES, Probe, Probed, observe
from orchestrator.probes.store import delivery_at

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class ForwardProbe(Probe):
    """Registered as ``forward``.

    How far the exchange got is read off the wire: archives put every failure into one HTTP
    status.
    """

    name = "forward"
    needs_held_study: ClassVar[bool] = True
    starts_at_archive: ClassVar[bool] = True

    def holder(self, route: Route) -> str:
        return route.source

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """Tell the source to send each study to the target, then ask the target."""
        title = lab.state.entries[(route.source, route.target)].title
        source = lab.archives[route.source]
        for uid in study.study_uids:
            answer = source.forward(uid, title)
            if not answer.claims_success:
                break
        delivery = delivery_at(lab, route.target, study, sender=route.source)
        outcome = delivery.outcome
        if not answer.claims_success:
            outcome = self._stopped(lab, route, answer)
        details = (
            f"{route.source} answered HTTP {answer.http_status}: {_one_line(answer.body)}",
            *delivery.details,
        )
        return Probed(observation=observe(self.name, outcome, details=details))

    @staticmethod
    def _stopped(lab: Lab, route: Route, answer: ForwardReport) -> Outcome:
        """What stopped it: as seen on the wire, else what the sender says of its connection."""
        seen = [outcome_of(trace) for trace in lab.link_traces((route.source, route.target))]
        for outcome in reversed(seen):
            if not outcome.succeeded:
                return outcome
        if answer.stopped is not None:
            return answer.stopped
        code = Signature(kind="http", code=str(answer.http_status))
        return Outcome(rung=Rung.DIMSE, signature=code)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


PROBES.register("forward")(ForwardProbe())
