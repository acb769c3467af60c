"""What was declared against what was observed: per phase, and for a whole cell. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dicom.ladder import Outcome, Rung
from orchestrator.errors import InputError
from orchestrator.judging.words import describe
from orchestrator.model.identity import Identity
from orchestrator.model.results import Expected, PhaseResult, Rule, Verdict
from orchestrator.model.scenario import Expectation, PhaseName, Route, Scenario
from orchestrator.model.stack_spec import StackSpec

#: The key of ``when`` that names a route instead of a role.
ROUTE_KEY: Final = "route"


@dataclass(frozen=True)
class Judgement:
    """How one phase's outcome compares with the rule that decides it."""

    met: bool
    expected: Expected


@dataclass(frozen=True)
class Combination:
    """Where a cell's outcome was observed: its route, and who was bound to the archive roles."""

    route_name: str
    route: Route
    identities: Mapping[str, Identity]

    def __str__(self) -> str:
        bound = (f"{role} = {who}" for role, who in sorted(self.identities.items()))
        return ", ".join((f"route {self.route_name}", *bound))


def holds(when: Mapping[str, str], combination: Combination) -> bool:
    """Whether every condition of ``when`` is true of ``combination``.

    A key is a role, a position on the route (``from``, ``to``, ``destination``) or ``route``. A
    role or position that the route does not have, or that is no archive, meets no condition.
    """
    for key, wanted in when.items():
        if key == ROUTE_KEY:
            if wanted != combination.route_name:
                return False
            continue
        role = combination.route.positions.get(key, key)
        identity = combination.identities.get(role)
        if role not in combination.route.roles or identity is None:
            return False
        if not StackSpec.parse(wanted).holds(identity):
            return False
    return True


def deciding_rule(scenario: Scenario, phase: PhaseName, combination: Combination) -> Expectation:
    """The first rule of ``phase`` that holds.

    Raises:
        InputError: none holds; the message names the combination.
    """
    for rule in scenario.expect.phase(phase):
        if holds(rule.when, combination):
            return rule
    raise InputError(
        f"scenario {scenario.name!r}: no expectation of phase {phase!r} is about this combination:"
        f" {combination}. Expected a rule whose 'when' holds for it, or a last rule without 'when'"
    )


def judge(
    scenario: Scenario,
    phase: PhaseName,
    combination: Combination,
    seen: Outcome,
    goal: Rung,
) -> Judgement:
    """Compare what was seen with what ``scenario`` declares.

    Args:
        scenario: as its variant has it (``Scenario.variant``).
        phase: the phase in which it was seen.
        combination: where it was seen.
        seen: the observed outcome.
        goal: the rung that the route's probe reaches when it succeeds.

    Raises:
        InputError: no rule is about this combination.
    """
    declared = deciding_rule(scenario, phase, combination)
    rule = Rule(when=declared.when, outcomes=declared.outcomes, goal=goal)
    probe = combination.route.probe
    words = tuple(
        describe(Outcome(rung=goal) if expected == "success" else expected, probe)
        for expected in rule.outcomes
    )
    expected = Expected(words=words, why=declared.why, rule=rule)
    return Judgement(met=accepts(rule, seen), expected=expected)


def accepts(rule: Rule, seen: Outcome) -> bool:
    """Whether ``seen`` is one of the outcomes that ``rule`` declares, now or in an old record."""
    return any(matches(expected, seen, rule.goal) for expected in rule.outcomes)


def matches(expected: Outcome | Literal["success"], seen: Outcome, goal: Rung) -> bool:
    """Whether ``seen`` is what ``expected`` describes; ``success`` reaches exactly ``goal``."""
    if expected == "success":
        return seen.succeeded and seen.rung is goal
    if expected.rung is not seen.rung:
        return False
    if expected.signature is None or seen.signature is None:
        return expected.signature is seen.signature
    return expected.signature.matches(seen.signature)


def verdict_of(declared: Sequence[PhaseName], phases: Sequence[PhaseResult]) -> tuple[Verdict, str]:
    """The verdict of a cell that went through ``phases``, and the reason of any but ``pass``.

    A lab that does not behave as declared before anything was broken proves nothing
    (``inconclusive``), unless the healthy lab is all that the scenario claims. A fault or a repair
    that does not behave as declared is a ``fail``; a phase that was never reached an ``error``.
    """
    by_name = {phase.name: phase for phase in phases}
    for name in declared:
        phase = by_name.get(name)
        if phase is None:
            return Verdict.ERROR, f"phase {name} was never reached"
        if not phase.met:
            healthy_is_the_premise = name == "baseline" and len(declared) > 1
            verdict = Verdict.INCONCLUSIVE if healthy_is_the_premise else Verdict.FAIL
            return verdict, phase.difference
    return Verdict.PASS, ""
