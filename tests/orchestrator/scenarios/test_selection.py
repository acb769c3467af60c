"""Which scenarios, variants, stacks and cells a user means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.registry import Registry
from orchestrator.errors import InputError
from orchestrator.model.scenario import Scenario
from orchestrator.scenarios import selection
from orchestrator.scenarios.loader import BrokenFile, Problem, ScenarioErrors
from orchestrator.scenarios.selection import cells_of, select, select_stacks

ROUTES = {
    "store": {"probe": "store", "from": "ct", "to": "archive"},
    "forward": {"probe": "forward", "from": "archive", "to": "peer"},
    "move": {"probe": "move", "from": "ct", "to": "archive", "destination": "peer"},
}


def scenario(
    name: str,
    category: str = "addressing",
    *,
    routes: tuple[str, ...] = ("store",),
    variants: Mapping[str, object] | None = None,
    pins: Mapping[str, str] | None = None,
) -> Scenario:
    pinned = pins or {}
    archives = ("archive", "peer")
    return Scenario.model_validate(
        {
            "name": name,
            "title": name,
            "category": category,
            "story": "It happened.",
            "roles": {
                "ct": {"kind": "modality"},
                **{role: {"kind": "archive", "stack": pinned.get(role)} for role in archives},
            },
            "routes": {key: ROUTES[key] for key in routes},
            "variants": variants or {},
        }
    )


VARIANTS = {"strict": {"title": "strict"}, "lenient": {"title": "lenient"}}
SHELF = (
    scenario("aetitle-case"),
    scenario("firewall-drop", "network"),
    scenario("wrong-aetitle", variants=VARIANTS),
    scenario("wrong-port"),
)


def names(*words: str) -> list[str]:
    return [each.name for each in select(SHELF, words)]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("wrong-port",), ["wrong-port"]),
        (("network",), ["firewall-drop"]),
        (("wrong-*",), ["wrong-aetitle", "wrong-port"]),
        (("net*", "wrong-port"), ["firewall-drop", "wrong-port"]),
        (("wrong-port, firewall-drop",), ["firewall-drop", "wrong-port"]),
        (("wrong-port firewall-drop",), ["firewall-drop", "wrong-port"]),
        (
            ("wrong-port", "wrong-port", "addressing"),
            ["aetitle-case", "wrong-aetitle", "wrong-port"],
        ),
        (("all",), [each.name for each in SHELF]),
        ((), [each.name for each in SHELF]),
        (("wrong-aetitle/strict",), ["wrong-aetitle"]),
    ],
)
def test_names_mean_scenarios_categories_and_globs(
    words: tuple[str, ...], meant: list[str]
) -> None:
    assert names(*words) == meant


@pytest.mark.parametrize(
    ("words", "variants"),
    [
        (("wrong-aetitle/strict",), ["strict"]),
        (("wrong-aetitle/*",), ["strict", "lenient"]),
        (("wrong-aetitle/l*", "wrong-aetitle/strict"), ["strict", "lenient"]),
        (("wrong-aetitle/strict", "wrong-*"), ["strict", "lenient"]),
    ],
)
def test_a_variant_can_be_asked_for_alone(words: tuple[str, ...], variants: list[str]) -> None:
    (chosen,) = (each for each in select(SHELF, words) if each.name == "wrong-aetitle")
    assert list(chosen.variants) == variants


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("wrong-prot", "did you mean 'wrong-port'"),
        ("netwrk", "did you mean 'network'"),
        ("wrong-aetitle/strct", "did you mean 'wrong-aetitle/strict'"),
        ("wrong-aetitle/", "lacks a variant; expected 'wrong-aetitle' for all, or one of wrong-"),
        ("wrong-port/", "scenario 'wrong-port' has no variants; expected 'wrong-port' alone"),
        ("wrong-port/strict", "scenario 'wrong-port' has no variants"),
        ("network/firewall-drop", "is a category, .* expected 'firewall-drop' alone"),
        ("network/", "is a category, .* expected 'network' for all of it"),
        ("wrong-prt/strict", "unknown scenario or category 'wrong-prt/strict'"),
        ("zzz*", "unknown scenario or category 'zzz\\*'"),
    ],
)
def test_an_unknown_name_is_an_input_error_with_the_nearest_right_word(
    word: str, hint: str
) -> None:
    with pytest.raises(InputError, match=hint):
        select(SHELF, [word])


def test_all_unknown_names_are_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        select(SHELF, ["wrong-prot", "wrong-port", "netwrk"])
    assert len(str(caught.value).splitlines()) == 2


def test_a_broken_file_matters_only_to_whoever_names_it() -> None:
    problem = Problem("scenarios/network/cut.yaml", 3, 1, "roles", "not a mapping")
    broken = [BrokenFile(Path("scenarios/network/cut.yaml"), (problem,))]
    assert [each.name for each in select(SHELF, ["wrong-port"], broken)] == ["wrong-port"]
    for name in ("cut", "cut/short", "c*", "network", "all"):
        with pytest.raises(ScenarioErrors, match=r"cut\.yaml:3: roles: not a mapping"):
            select(SHELF, ["wrong-port", name], broken)
    with pytest.raises(InputError, match="did you mean 'cut'"):
        select(SHELF, ["cutt"], broken)


@pytest.fixture
def _two_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    stacks: Registry[object] = Registry("stack", "tests", InputError)
    monkeypatch.setattr(stacks, "_loaded", True)
    for name in ("orthanc", "dcm4chee"):
        stacks.register(name)(object())
    monkeypatch.setattr(selection, "STACKS", stacks)


@pytest.mark.usefixtures("_two_stacks")
def test_stacks_are_the_two_unless_others_are_named() -> None:
    assert select_stacks([]) == ("orthanc", "dcm4chee")
    assert select_stacks(["dcm4chee,@site.yaml"]) == ("dcm4chee", "@site.yaml")
    with pytest.raises(InputError, match="did you mean 'orthanc'"):
        select_stacks(["orthnac"])


def bound(told: Scenario, *stacks: str) -> list[dict[str, str]]:
    return [cell.bindings for cell in cells_of(told, stacks).cells]


def test_one_archive_role_is_bound_to_each_stack_in_turn() -> None:
    told = scenario("one")
    assert bound(told, "orthanc", "dcm4chee") == [{"archive": "orthanc"}, {"archive": "dcm4chee"}]
    assert bound(told, "orthanc", "orthanc") == [{"archive": "orthanc"}]


@pytest.mark.parametrize("route", ["forward", "move"])
def test_two_archive_roles_are_bound_to_different_stacks_in_both_orders(route: str) -> None:
    told = scenario("two", routes=(route,))
    assert bound(told, "orthanc", "dcm4chee") == [
        {"archive": "orthanc", "peer": "dcm4chee"},
        {"archive": "dcm4chee", "peer": "orthanc"},
    ]


def test_one_stack_takes_both_roles_only_if_it_is_named_twice() -> None:
    told = scenario("two", routes=("forward",))
    assert bound(told, "orthanc", "orthanc") == [{"archive": "orthanc", "peer": "orthanc"}]
    alone = cells_of(told, ("orthanc",))
    assert alone.cells == ()
    (reason,) = alone.left_out
    assert reason.startswith("two, route forward: needs two archives")
    assert "orthanc,orthanc" in reason


def test_a_pinned_role_takes_its_stack_or_makes_no_cell() -> None:
    told = scenario("pinned", routes=("forward",), pins={"peer": "dcm4chee"})
    assert bound(told, "orthanc", "dcm4chee") == [{"archive": "orthanc", "peer": "dcm4chee"}]
    without = cells_of(told, ("orthanc", "acme"))
    assert without.cells == ()
    assert without.left_out == (
        "pinned, route forward: role 'peer' is pinned to dcm4chee, which was not chosen",
    )


def test_variants_take_the_place_of_the_scenario_itself() -> None:
    routes = {"lenient": {"title": "lenient", "routes": ["forward"]}, "strict": {"title": "strict"}}
    told = scenario("varied", routes=("store", "forward"), variants=routes)
    cells = cells_of(told, ("orthanc", "dcm4chee")).cells
    assert {(cell.variant, cell.route) for cell in cells} == {
        ("lenient", "forward"),
        ("strict", "store"),
        ("strict", "forward"),
    }
    assert len({cell.slug for cell in cells}) == len(cells) == 6


stacks = st.lists(st.sampled_from(["orthanc", "dcm4chee", "acme"]), min_size=1, max_size=4)


@given(stacks, st.sampled_from(["store", "forward", "move"]))
def test_every_cell_binds_exactly_the_archive_roles_of_its_route(
    chosen: list[str], route: str
) -> None:
    found = cells_of(scenario("any", routes=(route,)), chosen)
    roles = {"archive"} if route == "store" else {"archive", "peer"}
    for cell in found.cells:
        assert set(cell.bindings) == roles
        assert all(
            list(cell.bindings.values()).count(stack) <= chosen.count(stack) for stack in chosen
        )
    assert len({cell.slug for cell in found.cells}) == len(found.cells)
    assert bool(found.cells) != bool(found.left_out)
