"""What a probe is: one thing tried on a route, and what was observed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from dicom.frozen import Frozen
from dicom.ladder import Outcome, Rung
from dicom.registry import Registry
from dicom.tracing.trace import AssociationTrace
from modalities.commands import Report
from orchestrator.errors import InputError
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


def observe(
    probe: str,
    outcome: Outcome,
    *,
    report: Report | None = None,
    details: tuple[str, ...] = (),
) -> Observation:
    """An observation in words, with what the SCU's report adds."""
    if report is None:
        return Observation(outcome=outcome, words=describe(outcome, probe), details=details)
    counters = tuple(f"{name}: {count}" for name, count in report.counters.items())
    return Observation(
        outcome=outcome,
        words=describe(outcome, probe),
        comment=report.comment,
        details=(*counters, *details),
        objects=report.objects,
    )


PROBES: Registry[Probe] = Registry("probe", "orchestrator.probes", InputError)
