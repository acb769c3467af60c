"""Cells thought through before anything starts: the lab's state in each phase, or why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from orchestrator.backends.base import Backend
from orchestrator.errors import EnvironmentProblemError, UnsupportedError
from orchestrator.faults.base import Fault
from orchestrator.lab.topology import Topology, healthy_state, topology_of
from orchestrator.model.results import CellId, CellResult, Verdict
from orchestrator.model.scenario import PhaseName, Remedy, Scenario
from orchestrator.model.state import LabState, Link
from orchestrator.probes.base import PROBES
from orchestrator.stacks.base import Stack


@dataclass(frozen=True)
class CellPlan:
    """A cell that can run; ``states`` holds the lab's state in each phase, in order."""

    cell: CellId
    scenario: Scenario[Fault]
    topology: Topology
    states: Mapping[PhaseName, LabState]

    @property
    def relayed(self) -> frozenset[Link]:
        """Links through the relay: those that it disturbs, and each archive's outgoing one.

        Where a packet filter or a pulled cable does it, a relay in between would take the
        connection before it can be refused.
        """
        wires = [pair for state in self.states.values() for pair in state.wires.items()]
        disturbed = {link for link, wire in wires if wire.how == "relay"}
        untouched = {link for link, wire in wires if wire.how != "relay"}
        return frozenset((disturbed | _sent_by_archives(self.cell, self.topology)) - untouched)

    @property
    def speaks_tls(self) -> bool:
        """Whether any of its states needs certificates."""
        return any(state.tls for state in self.states.values())


@dataclass(frozen=True)
class UnsupportedCell:
    """A cell that this machine, or one of its stacks, can't run, and why."""

    cell: CellId
    reason: str

    def result(self, backend: Backend) -> CellResult:
        """What the record says of it."""
        return CellResult(
            cell=self.cell, backend=backend.name, verdict=Verdict.UNSUPPORTED, reason=self.reason
        )


def plan_all(
    scenario: Scenario[Fault],
    cells: Iterable[CellId],
    backend: Backend,
    stacks: Mapping[str, Stack],
) -> Iterator[CellPlan | UnsupportedCell]:
    """Plan each cell of ``scenario``."""
    for cell in cells:
        varied = scenario.variant(cell.variant)
        try:
            yield plan_cell(cell, varied, topology_of(varied, cell, backend, stacks), backend)
        except (EnvironmentProblemError, UnsupportedError) as error:
            yield UnsupportedCell(cell, str(error))


def plan_cell(
    cell: CellId, scenario: Scenario[Fault], topology: Topology, backend: Backend
) -> CellPlan:
    """Work out every phase's state.

    Raises:
        UnsupportedError: a stack or ``backend`` can't do what the cell needs.
    """
    healthy = healthy_state(scenario, topology)
    states: dict[PhaseName, LabState] = {"baseline": healthy}
    fault = scenario.fault
    _require_service(cell, topology)
    _require_reach(cell, topology)
    if fault is not None:
        states["fault"] = fault.change(healthy, cell.ends)
        states["fix"] = _repaired(scenario, healthy, states["fault"])
        if (why := fault.unsupported_on(backend.name)) is not None:
            raise UnsupportedError(why)
    return CellPlan(cell, scenario, topology, states)


def _sent_by_archives(cell: CellId, topology: Topology) -> set[Link]:
    """Links on which an archive opens the association: its own sending, C-MOVE's, callbacks."""
    ends = cell.ends
    links = set()
    if ends.source in topology.archives:
        links.add((ends.source, ends.target))
    if ends.destination is not None:
        links.add((ends.target, ends.destination))
    probe = PROBES[ends.probe]
    if probe.calls_back and ends.target in topology.archives:
        links.add((ends.target, ends.source))
    return links


def _require_service(cell: CellId, topology: Topology) -> None:
    """The archive that is asked has such a service at all, or UnsupportedError."""
    ends = cell.ends
    asked = topology.archives.get(
        ends.source if PROBES[ends.probe].starts_at_archive else ends.target
    )
    if asked is not None and (why := asked.stack.lacks.get(ends.probe, "")):
        raise UnsupportedError(why)


def _require_reach(cell: CellId, topology: Topology) -> None:
    """Every archive of the cell can reach whom it has to send to, or UnsupportedError."""
    for client, server in sorted(_sent_by_archives(cell, topology)):
        sender, receiver = topology.archives[client], topology.archives.get(server)
        if why := sender.stack.why_it_can_not_call(receiver.stack if receiver else None):
            raise UnsupportedError(why)


def _repaired(scenario: Scenario, healthy: LabState, broken: LabState) -> LabState:
    if not isinstance(scenario.fix, Remedy):
        return healthy
    return broken.with_settings(scenario.fix.settings)
