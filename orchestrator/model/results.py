"""What a run produced, as plain data: written to the record, read by tables and reports."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal

from pydantic import Field

from dicom.frozen import Frozen
from dicom.ladder import Rung
from dicom.tracing.trace import AssociationTrace
from orchestrator.model.identity import Identity
from orchestrator.model.native_change import NativeChange
from orchestrator.model.observation import Observation
from orchestrator.model.scenario import ExpectedOutcome, PhaseName, Route

#: Version of the record's schema; a reader refuses a major version that it does not know.
SCHEMA_VERSION: Final = "2.0"

#: A stack may be named by a file (``@lab/site.yaml``).
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9.-]+")


class Verdict(StrEnum):
    """What a cell proved."""

    PASS = "pass"
    FAIL = "fail"
    UNSUPPORTED = "unsupported"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class CellId(Frozen):
    """One scenario (or variant) on one route with its archive roles bound to stacks."""

    scenario: str
    variant: str | None = None
    route: str
    ends: Route
    bindings: dict[str, str]

    @property
    def title(self) -> str:
        """``wrong-aetitle/strict``: what a table's first column shows."""
        return f"{self.scenario}/{self.variant}" if self.variant else self.scenario

    @property
    def roles(self) -> tuple[str, ...]:
        """The route's roles in the order the data takes; one may come twice."""
        ends = (self.ends.source, self.ends.target, self.ends.destination)
        return tuple(role for role in ends if role is not None)

    @property
    def path(self) -> str:
        """``ct → orthanc → workstation``: the nodes in the order the data takes."""
        named = [self.bindings.get(role, role) for role in self.roles]
        return " → ".join(named)

    @property
    def slug(self) -> str:
        """Unique within a run, safe as a folder name and in a container's name."""
        stacks = "-".join(
            _NOT_IN_NAMES.sub("-", stack).strip("-") for _, stack in sorted(self.bindings.items())
        )
        parts = [self.scenario, self.variant or "", self.route, stacks]
        return ".".join(part for part in parts if part)


class LogLines(Frozen):
    """The part of one node's log that was written during one phase."""

    role: str
    lines: tuple[str, ...]
    omitted: int = 0


class Rule(Frozen):
    """The rule of a scenario that decided a phase: all that it takes to judge an outcome again.

    ``when`` are its conditions and ``outcomes`` those that it accepts, as the scenario declares
    them: ``success``, or a rung with its signature, whose code may be ``*`` for any. ``goal`` is
    the rung that ``success`` means: the one that the route's probe reaches.
    """

    when: Mapping[str, str]
    outcomes: tuple[ExpectedOutcome, ...]
    goal: Rung


class Expected(Frozen):
    """What a phase had to show: the acceptable outcomes in ``words``, and the declared reason.

    ``rule`` says the same as data; it is None in records before schema 2.0.
    """

    words: tuple[str, ...]
    why: str = ""
    rule: Rule | None = None


class PhaseResult(Frozen):
    """One phase: what was changed, what was observed, and whether that was declared.

    ``changes`` are the native settings that were changed to enter the phase, ``in_place`` the
    proof that they took.
    """

    name: PhaseName
    observation: Observation
    expected: Expected
    met: bool
    changes: tuple[NativeChange, ...] = ()
    in_place: tuple[str, ...] = ()
    traces: tuple[AssociationTrace, ...] = ()
    logs: tuple[LogLines, ...] = ()
    seconds: float = 0.0

    @property
    def difference(self) -> str:
        """What was declared and what was seen, on one line: the reason of an unmet phase."""
        expected = " or ".join(self.expected.words)
        return f"{self.name}: expected {expected}; saw {self.observation.words}"


class CellResult(Frozen):
    """Everything about one cell. ``reason`` explains any verdict other than ``pass``.

    ``declared`` are the phases that its scenario has, whether or not the cell got that far.
    """

    cell: CellId
    backend: str
    verdict: Verdict
    reason: str = ""
    identities: dict[str, Identity] = Field(default_factory=dict)
    declared: tuple[PhaseName, ...] = ()
    phases: tuple[PhaseResult, ...] = ()
    reproduce: tuple[str, ...] = ()
    folder: str = ""
    seconds: float = 0.0

    def phase(self, name: PhaseName) -> PhaseResult | None:
        """The result of one phase, None where the cell did not get that far."""
        return next((phase for phase in self.phases if phase.name == name), None)


class RunResult(Frozen):
    """A whole run: what was asked, on what machine, and every cell's result. Times are ISO 8601.

    While the run goes on its ``state`` is ``running`` and ``finished`` is empty. Nobody writes
    ``killed``: it is what a reader makes of ``running`` when no such run is at work any more.
    ``unfinished`` are the chosen cells without a result.
    """

    schema_version: str = SCHEMA_VERSION
    run: str
    pacslab: str
    command: tuple[str, ...]
    started: str
    finished: str
    host: dict[str, str]
    seed: int
    state: Literal["running", "over", "killed"] = "over"
    cells: tuple[CellResult, ...]
    unfinished: tuple[CellId, ...] = ()
    interrupted: str = ""

    @property
    def exit_code(self) -> int:
        """0 all as declared, 1 something was not, 3 the environment could not run a cell."""
        verdicts = {cell.verdict for cell in self.cells}
        if verdicts & {Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR}:
            return 1
        if self.interrupted or self.state != "over":
            return 1
        return 0 if Verdict.PASS in verdicts else 3
