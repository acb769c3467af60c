"""The scenarios that we ship."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.faults.base import FAULTS
from orchestrator.judging.verdict import Combination, deciding_rule
from orchestrator.model.identity import Identity
from orchestrator.model.scenario import Scenario
from orchestrator.scenarios.loader import load_all, load_scenario
from orchestrator.scenarios.selection import DEFAULT_STACKS, cells_of

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "scenarios"
FILES = sorted(FOLDER.glob("*/*.yaml"))
#: Who answers to the two default stacks, in every edition and version that the lab can meet, and to
#: a third one, which no scenario names.
KNOWN = {
    "orthanc": [
        Identity(stack="orthanc", edition="process", version="1.10.1"),
        Identity(stack="orthanc", edition="container", version="1.12.7"),
        Identity(stack="orthanc", edition="container", version="1.13.0"),
        Identity(stack="orthanc", edition="profile", version="1.12", follows="orthanc-1.12"),
    ],
    "dcm4chee": [
        Identity(stack="dcm4chee", edition="container", version="5.35.0"),
        Identity(stack="dcm4chee", edition="profile", version="5.35", follows="dcm4chee-5.35"),
    ],
    "another": [Identity(stack="another", edition="process", version="1.0")],
}
PROMISED = {
    "healthy",
    "wrong-aetitle",
    "unknown-calling-aetitle",
    "aetitle-case",
    "wrong-port",
    "hostname-unresolvable",
    "store-not-permitted",
    "find-not-permitted",
    "sop-class-not-accepted",
    "transfer-syntax-not-accepted",
    "cmove-destination-unknown",
    "cmove-destination-unreachable",
    "duplicate-instance",
    "firewall-drop",
    "cut-mid-study",
    "tls-untrusted-ca",
}


@pytest.fixture(scope="module")
def shelf() -> tuple[Scenario, ...]:
    return load_all(FOLDER)


def test_every_shipped_scenario_loads_and_the_promised_ones_are_there(
    shelf: tuple[Scenario, ...],
) -> None:
    assert {each.name for each in shelf} >= PROMISED
    assert len(shelf) == len(FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_scenario_tells_editors_its_schema(file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    reference = first.removeprefix("# yaml-language-server: $schema=")
    assert (file.parent / reference).resolve() == ROOT / "schema" / "scenario.schema.json"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_scenario_tells_its_whole_story(file: Path) -> None:
    scenario = load_scenario(file)
    assert scenario.symptom
    assert scenario.lesson
    for name in scenario.variants or (None,):
        told = scenario.variant(name)
        if told.fault is None:
            assert scenario.symptom == "None."
            continue
        assert scenario.cause
        assert scenario.owner
        assert type(told.fault) in FAULTS.values()
        assert all(rule.why for rule in told.expect.fault), "each expectation gives its reason"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_rule_decides_in_every_cell_whoever_answers(file: Path) -> None:
    scenario = load_scenario(file)
    used = set()
    # each stack twice: a rule may be about two archives of one vendor
    for cell in cells_of(scenario, (*DEFAULT_STACKS * 2, "another")).cells:
        told = scenario.variant(cell.variant)
        for index in range(max(len(who) for who in KNOWN.values())):
            identities = {
                role: KNOWN[stack][index % len(KNOWN[stack])]
                for role, stack in cell.bindings.items()
            }
            where = Combination(cell.route, cell.ends, identities)
            for phase in told.phases:
                used.add((cell.variant, id(deciding_rule(told, phase, where))))
    for name in scenario.variants or (None,):
        told = scenario.variant(name)
        for phase in told.phases:
            for rule in told.expect.phase(phase):
                assert (name, id(rule)) in used, f"{name}: no cell is decided by {rule.when}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_reasons_cite_facts_that_are_written_down(file: Path) -> None:
    facts = (ROOT / "docs" / "archive-facts.md").read_text(encoding="utf-8")
    for row in re.findall(r"\bF(\d+[a-z]?)\b", file.read_text(encoding="utf-8")):
        written_down = rf"^(\| F{row} \||#+ .*\bF{row}\b)"
        assert re.search(written_down, facts, re.MULTILINE), f"no row F{row} in the facts"


def test_the_categories_are_the_layers_of_the_lab(shelf: tuple[Scenario, ...]) -> None:
    layers = {FAULTS[name].layer for name in FAULTS}
    for scenario in shelf:
        assert scenario.category in layers | {"basics", "web", "workflow"}


def test_scenarios_without_a_fault_go_every_way_that_the_others_go(
    shelf: tuple[Scenario, ...],
) -> None:
    healthy = [each for each in shelf if each.fault is None and not each.variants]
    probes = {route.probe for each in shelf for route in each.routes.values()}
    assert {route.probe for each in healthy for route in each.routes.values()} == probes
