"""C-GET of a study from an archive, proven by what came back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.datasets.storage_classes import STORAGE_CLASSES
from dicom.dimse.scu import UNCOMPRESSED
from modalities.commands import Report
from modalities.services.get import Get
from orchestrator.model.scenario import Route
from orchestrator.probes.arrivals import delivery_from
from orchestrator.probes.base import PROBES, Probe, Probed, each_study, observed

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
        """One C-GET per study.

        The caller proposes what the study is made of, and what a workstation takes besides.
        """
        classes = (*(each.sop_class_uid for each in study.fingerprints), *STORAGE_CLASSES)
        syntaxes = (*(each.transfer_syntax_uid for each in study.fingerprints), *UNCOMPRESSED)

        def get(uid: str) -> Report:
            return lab.ask(
                route.source,
                Get(
                    target=lab.target((route.source, route.target)),
                    caller=lab.caller(route.source),
                    keys={"StudyInstanceUID": uid},
                    storage_classes=tuple(dict.fromkeys(classes))[:_MOST_CLASSES],
                    transfer_syntaxes=tuple(dict.fromkeys(syntaxes)),
                ),
            )

        report = each_study(study, get)
        delivery = delivery_from(lab, route.target, study, report.received)
        return observed(self.name, report, delivery)


PROBES.register("get")(GetProbe())
