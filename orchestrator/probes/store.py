"""C-STORE of a study from a modality to an archive, proven at the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dicom.ladder import ObjectReport, Rung
from modalities.commands import Report
from modalities.services.store import Store
from orchestrator.judging.delivery import Delivery, judge_delivery
from orchestrator.model.scenario import Route
from orchestrator.probes.base import PROBES, Probe, Probed, observe

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


#: Signatures after which an association can't carry the next object.
_BREAKS: Final = frozenset({"aborted", "closed", "reset", "timeout"})


class StoreProbe(Probe):
    """Registered as ``store``."""

    name = "store"

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """Send all files, then ask the archive what it holds."""
        report = self._send(lab, route, study.files)
        reports = [report]
        while study.unrelated and (rest := _not_sent(reports[-1])):
            reports.append(self._send(lab, route, rest))
        if len(reports) > 1:
            report = _joined(reports)
        delivery = delivery_at(lab, route.target, study)
        outcome = delivery.outcome
        if not report.outcome.succeeded:
            outcome = report.outcome
        return Probed(
            observation=observe(self.name, outcome, report=report, details=delivery.details),
            traces=report.traces,
        )

    @staticmethod
    def _send(lab: Lab, route: Route, files: tuple[str, ...]) -> Report:
        sender = lab.state.modalities[route.source]
        return lab.ask(
            route.source,
            Store(
                target=lab.target((route.source, route.target)),
                caller=lab.caller(route.source),
                files=files,
                contexts=sender.contexts,
                one_context_per_syntax=sender.one_context_per_syntax,
                associations=sender.associations,
                alterations=lab.state.study.alterations,
                misbehave=sender.misbehave,
            ),
        )


def _not_sent(report: Report) -> tuple[str, ...]:
    """The files after the one that broke the association; empty where none did."""
    broken = [
        each.file
        for each in report.objects
        if each.outcome.rung is Rung.DIMSE and each.outcome.kind in _BREAKS
    ]
    return tuple(broken[1:])


def _joined(reports: list[Report]) -> Report:
    """One report on all associations; the first object that was stopped decides."""
    tried: dict[str, ObjectReport] = {
        each.file: each for report in reports for each in report.objects
    }
    first = next(report for report in reports if not report.outcome.succeeded)
    return first.model_copy(
        update={
            "objects": tuple(tried.values()),
            "traces": tuple(trace for report in reports for trace in report.traces),
        }
    )


def delivery_at(lab: Lab, role: str, study: SentStudy, sender: str = "") -> Delivery:
    """What archive ``role`` holds of ``study``, against what ``sender`` was given to send."""
    held = {
        other: tuple(f for uid in study.study_uids for f in archive.held(uid))
        for other, archive in lab.archives.items()
        if other != sender
    }
    on_the_way = [lab.archives[each] for each in (sender, role) if each in lab.archives]
    return judge_delivery(
        study.fingerprints,
        held.pop(role),
        coercions={tag: why for each in on_the_way for tag, why in each.coercions.items()},
        elsewhere=held,
    )


PROBES.register("store")(StoreProbe())
