"""C-GET of a study from an archive, proven by what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.datasets.storage_classes import STORAGE_CLASSES
from dicom.dimse.scu import UNCOMPRESSED
from dicom.tracing.trace import AssociationTrace
from modalities.commands import ReceivedInstance, Report
from modalities.services.get import Get
from orchestrator.judging.delivery import judge_delivery
from orchestrator.model.scenario import Route
from orchestrator.probes.base import PROBES, Probe, Probed, observe

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy

#: Presentation contexts left beside that of the information model.
_MOST_CLASSES = 127


class GetProbe(Probe):
    """Registered as ``get``. Delivered means that the caller received the study as it was sent."""

    name = "get"
    needs_held_study: ClassVar[bool] = True

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """One C-GET per study; the first that is stopped decides.

        The caller proposes what the study is made of, and what a workstation takes besides.
        """
        classes = (*(each.sop_class_uid for each in study.fingerprints), *STORAGE_CLASSES)
        syntaxes = (*(each.transfer_syntax_uid for each in study.fingerprints), *UNCOMPRESSED)
        received: list[ReceivedInstance] = []
        traces: list[AssociationTrace] = []
        report = Report()
        for uid in study.study_uids:
            report = lab.ask(
                route.source,
                Get(
                    target=lab.target((route.source, route.target)),
                    caller=lab.caller(route.source),
                    keys={"StudyInstanceUID": uid},
                    storage_classes=tuple(dict.fromkeys(classes))[:_MOST_CLASSES],
                    transfer_syntaxes=tuple(dict.fromkeys(syntaxes)),
                ),
            )
            traces += report.traces
            received += report.received
            if not report.outcome.succeeded:
                break
        delivery = judge_delivery(
            study.fingerprints,
            [each.fingerprint for each in received],
            coercions=lab.archives[route.target].coercions,
            elsewhere={},
        )
        outcome = delivery.outcome
        if not report.outcome.succeeded:
            outcome = report.outcome
        return Probed(
            observation=observe(self.name, outcome, report=report, details=delivery.details),
            traces=tuple(traces),
        )


PROBES.register("get")(GetProbe())
