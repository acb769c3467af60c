"""Archive to archive: the source's own sender, triggered the vendor's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.forwarding import ForwardReport
from dicom.ladder import CARRIED_OUT, Outcome, Rung, Signature
from modalities.commands import Report
from orchestrator.evidence.pdu import outcome_of
from orchestrator.model.scenario import Route
from orchestrator.probes.arrivals import delivery_at
from orchestrator.probes.base import PROBES, Probe, Probed, each_study, observed

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
        link = (route.source, route.target)
        answers: list[str] = []

        def forward(uid: str) -> Report:
            answer = lab.archives[route.source].forward(uid, lab.state.entries[link].title)
            words = _one_line(answer.body)
            answers.append(f"{route.source} answered HTTP {answer.http_status}: {words}")
            return Report(outcome=_said(answer))

        report = each_study(study, forward)
        delivery = delivery_at(lab, route.target, study, sender=route.source)
        if not report.outcome.succeeded:
            seen = [outcome_of(trace) for trace in reversed(lab.link_traces(link))]
            stopped = next((each for each in seen if not each.succeeded), report.outcome)
            report = report.model_copy(update={"outcome": stopped})
        return observed(self.name, report, delivery.after(*answers[-1:]))


def _said(answer: ForwardReport) -> Outcome:
    """What the sender itself says of its connection, or else nothing but its HTTP status."""
    if answer.claims_success:
        return CARRIED_OUT
    status = Signature(kind="http", code=str(answer.http_status))
    return answer.stopped or Outcome.at(Rung.DIMSE, status)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


PROBES.register("forward")(ForwardProbe())
