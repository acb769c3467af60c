"""Which cells run on one lab, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.backends.base import Backend
from orchestrator.lab.plan import LabPlan
from orchestrator.model.results import CellResult, Verdict
from orchestrator.model.state import Link
from orchestrator.relay import wire_name
from orchestrator.runs.plan import CellPlan

if TYPE_CHECKING:
    from orchestrator.lab.certificates import KeyRing


@dataclass(frozen=True)
class RunPlan:
    """What all labs of a run have in common.

    Attributes:
        name: the run's id.
        folder: the run's, in which its record is.
        backend: where labs run.
        seed: of the simulated studies.
        own_files: the user's folder of files to send instead of any scenario's study.
    """

    name: str
    folder: Path
    backend: Backend
    seed: int
    own_files: Path | None = None


@dataclass(frozen=True)
class CellGroup:
    """Cells that need the same nodes and get one lab.

    Attributes:
        run: what they share with all others.
        cells: in the order in which they run.
        name: the lab's, unique on this machine.
        folder: the lab's, in the record.
        keys: the run's key ring where any of the run's cells speaks TLS, else None.
        keep: leave the lab running after the last cell.
    """

    run: RunPlan
    cells: tuple[CellPlan, ...]
    name: str
    folder: Path
    keys: KeyRing | None = None
    keep: bool = False

    def lab(self, first: CellPlan) -> LabPlan:
        """A new lab for ``first`` and the cells after it."""
        relayed: frozenset[Link] = frozenset().union(*(each.relayed for each in self.cells))
        return LabPlan(
            topology=first.topology,
            run=self.run.name,
            name=self.name,
            folder=self.folder,
            relayed=relayed,
            keys=self.keys if any(each.speaks_tls for each in self.cells) else None,
        )

    def lost(self, plan: CellPlan, reason: str) -> CellResult:
        """The result of a cell about which nothing is known any more."""
        return CellResult(
            cell=plan.cell,
            backend=self.run.backend.name,
            verdict=Verdict.ERROR,
            reason=reason,
            declared=plan.scenario.phases,
            folder=self.recorded_folder,
        )

    @property
    def recorded_folder(self) -> str:
        """The lab's folder as the record names it."""
        return str(self.folder.relative_to(self.run.folder))


def grouped(plans: Sequence[CellPlan], run: RunPlan, *, keep: bool = False) -> list[CellGroup]:
    """Group cells that can run: containers are shared by those with the same nodes.

    Starting a container costs more than reconfiguring it; processes on loopback are made anew for
    each cell. With ``keep`` the last group's lab is to stay.
    """
    groups: dict[str, list[CellPlan]] = {}
    for plan in plans:
        groups.setdefault(_nodes(plan, run.backend), []).append(plan)
    keys = _key_ring() if any(plan.speaks_tls for plan in plans) else None
    return [
        CellGroup(
            run=run,
            cells=tuple(cells),
            name=f"pacslab-{run.name.lower()}-{index}",
            folder=run.folder / ("cells" if len(cells) == 1 else "labs") / nodes,
            keys=keys,
            keep=keep and index == len(groups) - 1,
        )
        for index, (nodes, cells) in enumerate(groups.items())
    ]


def _key_ring() -> KeyRing:
    from orchestrator.lab.certificates import KeyRing  # slow to import, and few cells need it

    return KeyRing()


def _nodes(plan: CellPlan, backend: Backend) -> str:
    """The same for cells that can share a lab; also its folder's name."""
    if not backend.shares_labs:
        return plan.cell.slug
    archives = (f"{role}-{chosen.stack.name}" for role, chosen in plan.topology.archives.items())
    relayed = (wire_name(link) for link in plan.relayed)
    return ".".join((*sorted(archives), *sorted(plan.topology.modalities), *sorted(relayed)))
