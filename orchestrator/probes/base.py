"""What a probe is: one thing tried on a route, and what was observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from modalities.ladder import Rung
from orchestrator.outcome import Observation
from orchestrator.registry import Registry
from orchestrator.scenario import Route

if TYPE_CHECKING:
    from orchestrator.lab import Lab
    from orchestrator.study import SentStudy


class Probe(Protocol):
    """One thing tried. Stateless: the lab and the study carry everything."""

    goal: ClassVar[Rung]
    """The rung that a successful probe reaches."""

    needs_held_study: ClassVar[bool]
    """Whether the target must hold the study beforehand (find, move) or must not (store)."""

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Observation:
        """Try it once and say what was observed. Failures of the exchange are observations;
        only failures of the lab itself are raised (``LabError``)."""


PROBES: Registry[Probe] = Registry("probe", "orchestrator.probes")
