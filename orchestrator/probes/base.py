"""What a probe is: one thing tried on a route, and what was observed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from dicom.frozen import Frozen
from dicom.ladder import Rung
from dicom.registry import Registry
from dicom.tracing.trace import AssociationTrace
from modalities.commands import Report
from orchestrator.errors import InputError
from orchestrator.judging.delivery import Delivery
from orchestrator.judging.words import describe
from orchestrator.model.observation import Observation
from orchestrator.model.scenario import RoleKind, Route

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class Probed(Frozen):
    """What a probe brings back: the observation, and the traces of its own associations."""

    observation: Observation
    traces: tuple[AssociationTrace, ...] = ()


class Probe(ABC):
    """One thing tried. Stateless: the lab and the study carry everything.

    A probe says where it differs from one that a modality starts at an archive.
    """

    name: str
    goal: ClassVar[Rung] = Rung.DELIVERED
    """The rung that a successful probe reaches."""

    needs_held_study: ClassVar[bool] = False
    """Whether the archive it asks must hold the study beforehand."""

    needs_destination: ClassVar[bool] = False
    """Whether a route with this probe names a third role that receives the objects (C-MOVE)."""

    starts_at_archive: ClassVar[bool] = False
    """Whether an archive starts the exchange, rather than a modality or workstation."""

    targets: ClassVar[frozenset[RoleKind]] = frozenset({"archive"})
    """What sort of node the route's target may be."""

    needs_ris: ClassVar[bool] = False
    """Whether a route with this probe names a RIS besides its target."""

    calls_back: ClassVar[bool] = False
    """Whether the target opens an association to the source (storage commitment)."""

    def holder(self, route: Route) -> str:
        """The role that must hold the study beforehand (where ``needs_held_study``)."""
        return route.target

    @abstractmethod
    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """Try it once and say what was observed.

        Failures of the exchange are observations; only failures of the lab itself are raised.

        Raises:
            LabError: a node of the lab did not do its part.
        """


def observed(probe: str, report: Report, delivery: Delivery | None = None) -> Probed:
    """What came of an exchange, in words: what stopped it decides, else how it was delivered.

    Every observation begins here, so this is where a further field of it is filled.
    """
    outcome, details = report.outcome, [f"{name}: {n}" for name, n in report.counters.items()]
    if delivery is not None:
        outcome = delivery.outcome if outcome.succeeded else outcome
        details += delivery.details
    observation = Observation(
        outcome=outcome,
        words=describe(outcome, probe),
        comment=report.comment,
        details=tuple(details),
        objects=report.objects,
    )
    return Probed(observation=observation, traces=report.traces)


def joined(reports: Sequence[Report]) -> Report:
    """One report on all of them: the first that was stopped decides, else the last.

    Of an object that was tried again the last try counts.
    """
    last = reports[-1] if reports else Report()
    decides = next((each for each in reports if not each.outcome.succeeded), last)
    objects = {each.file: each for report in reports for each in report.objects}
    return decides.model_copy(
        update={
            "objects": tuple(objects.values()),
            "answers": tuple(each for report in reports for each in report.answers),
            "received": tuple(each for report in reports for each in report.received),
            "traces": tuple(each for report in reports for each in report.traces),
        }
    )


def each_study(study: SentStudy, ask: Callable[[str], Report]) -> Report:
    """``ask`` for one Study Instance UID after the other, until one is stopped."""
    reports: list[Report] = []
    for uid in study.study_uids:
        reports.append(ask(uid))
        if not reports[-1].outcome.succeeded:
            break
    return joined(reports)


PROBES: Registry[Probe] = Registry("probe", "orchestrator.probes", InputError)
