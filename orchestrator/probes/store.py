"""C-STORE of a study from a modality to an archive, proven at the archive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dicom.ladder import Rung
from modalities.commands import Report
from modalities.services.store import Store
from orchestrator.model.scenario import Route
from orchestrator.probes.arrivals import delivery_at
from orchestrator.probes.base import PROBES, Probe, Probed, joined, observed

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
        reports = [self._send(lab, route, study.files)]
        while study.unrelated and (rest := _not_sent(reports[-1])):
            reports.append(self._send(lab, route, rest))
        return observed(self.name, joined(reports), delivery_at(lab, route.target, study))

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


PROBES.register("store")(StoreProbe())
