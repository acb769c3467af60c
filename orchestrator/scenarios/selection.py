"""Which scenarios and stacks a user means, and the cells that they make. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from dicom.registry import unknown_word
from orchestrator.errors import InputError
from orchestrator.model.results import CellId
from orchestrator.model.scenario import Route, Scenario
from orchestrator.scenarios.loader import BrokenFile, ScenarioErrors
from orchestrator.stacks.base import STACKS

S = TypeVar("S", bound=Scenario)
ALL: Final = "all"
#: Archive roles are bound to these unless others are chosen.
DEFAULT_STACKS: Final = ("orthanc", "dcm4chee")
#: Starts the name of a file that describes an archive which already runs.
SITE_PREFIX: Final = "@"
_SEPARATORS: Final = re.compile(r"[,\s]+")


@dataclass(frozen=True)
class Cells:
    """The cells that a choice makes, and why others that it names are not made, a line each."""

    cells: tuple[CellId, ...]
    left_out: tuple[str, ...] = ()


def words_of(given: Iterable[str]) -> tuple[str, ...]:
    """Split words given separately, by comma or by space; order and repetitions are kept."""
    return tuple(word for text in given for word in _SEPARATORS.split(text) if word)


def select(
    scenarios: Sequence[S], names: Iterable[str], broken: Sequence[BrokenFile] = ()
) -> list[S]:
    """The scenarios that ``names`` mean, in the order of ``scenarios``, each once.

    A name is a scenario's, a category's, a glob over either, ``all``, or ``scenario/variant``
    (globs too), which keeps only those variants. No name at all means ``all``. Files in ``broken``
    are in nobody's way unless a name means them.

    Raises:
        InputError: a name means nothing; the message has the nearest right words.
        ScenarioErrors: a name means a broken file; the message has its problems.
    """
    wanted = words_of(names) or (ALL,)
    meant_broken = {name: [each for each in broken if _means_file(name, each)] for name in wanted}
    unknown = [
        name
        for name in wanted
        if not meant_broken[name] and not any(_means(name, each) for each in scenarios)
    ]
    if unknown:
        raise InputError("\n".join(_explain(name, scenarios, broken) for name in unknown))
    if any(meant_broken.values()):
        files = itertools.chain.from_iterable(meant_broken.values())
        raise ScenarioErrors(problem for each in files for problem in each.problems)
    chosen = []
    for scenario in scenarios:
        meant = [variants for name in wanted if (variants := _means(name, scenario))]
        if meant:
            chosen.append(_narrowed(scenario, set().union(*meant)))
    return chosen


def select_stacks(names: Iterable[str]) -> tuple[str, ...]:
    """The stacks that ``names`` mean (``@file`` names a site); the default two for no name.

    Raises:
        InputError: an unknown stack; the message has the nearest right word.
    """
    wanted = words_of(names)
    unknown = [each for each in wanted if each not in STACKS and not each.startswith(SITE_PREFIX)]
    if unknown:
        raise InputError("\n".join(STACKS.explain_unknown(name) for name in unknown))
    return wanted or DEFAULT_STACKS


def cells_of(scenario: Scenario, stacks: Sequence[str] = DEFAULT_STACKS) -> Cells:
    """Every variant on every route with every binding of the route's archive roles.

    One archive role is bound to each stack in turn. Two archive roles of one route are bound to
    different stacks, in both orders; the same stack takes both only if ``stacks`` names it twice.
    A role that is pinned to a stack takes that one.
    """
    cells: list[CellId] = []
    left_out: list[str] = []
    for name in scenario.variants or (None,):
        variant = scenario.variant(name)
        for route_name, route in variant.routes.items():
            bindings = _bindings(variant, route, stacks)
            cells += [
                CellId(
                    scenario=scenario.name,
                    variant=name,
                    route=route_name,
                    ends=route,
                    bindings=dict(bound),
                )
                for bound in bindings
            ]
            if not bindings:
                title = scenario.name if name is None else f"{scenario.name}/{name}"
                left_out.append(f"{title}, route {route_name}: {_why_none(variant, route, stacks)}")
    return Cells(tuple(cells), tuple(left_out))


def _means(name: str, scenario: Scenario) -> Collection[str | None]:
    """The variants of ``scenario`` that ``name`` means; None stands for the scenario itself."""
    variants: Collection[str | None] = tuple(scenario.variants) or (None,)
    if _is_whole(name, scenario):
        return variants
    base, _, wanted = name.partition("/")
    if wanted and fnmatchcase(scenario.name, base):
        return [each for each in variants if each is not None and fnmatchcase(each, wanted)]
    return ()


def _means_file(name: str, broken: BrokenFile) -> bool:
    """Whether ``name`` means the scenario of a broken file, or a variant of it."""
    return _is_whole(name, broken) or fnmatchcase(broken.name, name.partition("/")[0])


def _is_whole(name: str, scenario: Scenario | BrokenFile) -> bool:
    """Whether ``name`` means all of a scenario."""
    own = (scenario.name, scenario.category)
    return name == ALL or any(fnmatchcase(each, name) for each in own)


def _narrowed(scenario: S, wanted: Collection[str | None]) -> S:
    kept = {name: each for name, each in scenario.variants.items() if name in wanted}
    return scenario.model_copy(update={"variants": kept})


def _explain(name: str, scenarios: Sequence[Scenario], broken: Sequence[BrokenFile]) -> str:
    told: list[Scenario | BrokenFile] = [*scenarios, *broken]
    own = {word for each in told for word in (each.name, each.category)}
    base, slash, rest = name.partition("/")
    if not slash or base not in own:
        return unknown_word("scenario or category", name, (*sorted(own), ALL))
    of_base = next((each for each in scenarios if each.name == base), None)
    if of_base is None:
        hint = f"{rest!r} alone" if rest in own else f"{base!r} for all of it, or a scenario's name"
        return f"{name!r}: {base!r} is a category, which has no variants; expected {hint}"
    known = tuple(f"{base}/{variant}" for variant in of_base.variants)
    if not known:
        return f"{name!r}: scenario {base!r} has no variants; expected {base!r} alone"
    if not rest:
        return f"{name!r} lacks a variant; expected {base!r} for all, or one of {', '.join(known)}"
    return unknown_word("variant", name, known)


def _bindings(scenario: Scenario, route: Route, stacks: Sequence[str]) -> list[Mapping[str, str]]:
    roles = [role for role in route.roles if scenario.roles[role].kind == "archive"]
    bound = [
        dict(zip(roles, chosen, strict=True))
        for chosen in itertools.permutations(stacks, len(roles))
    ]
    pinned = {role: stack for role in roles if (stack := scenario.roles[role].stack) is not None}
    fitting = [each for each in bound if pinned.items() <= each.items()]
    return [each for index, each in enumerate(fitting) if each not in fitting[:index]]


def _why_none(scenario: Scenario, route: Route, stacks: Sequence[str]) -> str:
    for role in route.roles:
        stack = scenario.roles[role].stack
        if stack is not None and stack not in stacks:
            return f"role {role!r} is pinned to {stack}, which was not chosen"
    only = ", ".join(stacks)
    return (
        f"needs two archives and only {only} was chosen; name two stacks,"
        f" or the same one twice ({only},{only})"
    )
