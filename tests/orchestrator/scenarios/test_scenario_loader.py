"""Loading scenario files: whole files, whole folders, and the faults that they name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dicom.settings import ArchiveSettings
from dicom.yaml_positions import LINE_BREAK
from orchestrator.errors import InputError
from orchestrator.model.modality_settings import ModalitySettings
from orchestrator.model.scenario import Remedy
from orchestrator.scenarios.loader import (
    LoadedScenario,
    Problem,
    ScenarioErrors,
    load_all,
    load_scenario,
)
from orchestrator.scenarios.words import given_in_words
from tests.orchestrator.scenario_fakes import (
    GOOD,
    ClosedPort,
    WrongTitle,
    plug_ins,
    problems_of,
    write,
)


@pytest.fixture(autouse=True)
def _plug_ins() -> Iterator[None]:
    with plug_ins():
        yield


def test_a_good_file_becomes_a_scenario(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, GOOD))
    assert scenario.name == "wrong-title"
    assert scenario.routes["retrieve"].destination == "screen"
    assert scenario.study.images == 2


def test_a_missing_study_folder_is_told_and_a_present_one_is_made_absolute(
    tmp_path: Path,
) -> None:
    text = GOOD.replace("{images: 2}", "{folder: ../mine}")
    file = write(tmp_path, text)
    (problem,) = problems_of(file)
    assert problem.path == "study.folder"
    assert problem.seen.startswith("no folder")
    (file.parent.parent / "mine").mkdir()
    assert load_scenario(file).study.folder == str(file.parent.parent / "mine")


def test_all_mistakes_of_a_file_are_told_at_once_in_the_order_of_the_file(
    tmp_path: Path,
) -> None:
    text = GOOD.replace("kind: modality", "kind: modalty").replace("probe: store", "probe: stor")
    text = text.replace("images: 2", "images: no").replace("fix: revert", "fix: revrt")
    text = text.replace("rejected 1/1/7", "rejectd 1/1/7").replace("times: 3", "times: many")
    found = problems_of(write(tmp_path, text))
    assert [problem.line for problem in found] == [6, 11, 16, 19, 24, 31]
    assert all(problem.column > 1 for problem in found if problem.line != 19)


def test_the_error_is_an_input_error_of_one_line_per_problem(tmp_path: Path) -> None:
    file = write(tmp_path, GOOD.replace("wrong-title: {title: OLD}", "wrong-pott: {}"))
    with pytest.raises(InputError) as caught:
        load_scenario(file)
    assert caught.value.exit_code == 2
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{file}:18: fault.wrong-pott: unknown fault 'wrong-pott'; ")


def test_files_below_the_current_folder_are_named_relative_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "")
    monkeypatch.chdir(tmp_path)
    assert problems_of(file)[0].file == "addressing/wrong-title.yaml"


def test_a_file_that_is_not_there_is_a_problem_of_that_file(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path / "nothing.yaml")
    assert "can't be read: No such file or directory" in problem.seen


def test_expectations_of_the_fault_need_a_fault(tmp_path: Path) -> None:
    without = GOOD.replace("fault:\n  wrong-title: {title: OLD}\n", "", 1)
    assert load_scenario(write(tmp_path, without)).fault is None  # a variant has one
    text = without[: without.index("variants:")]
    (problem,) = problems_of(write(tmp_path, text))
    assert (problem.path, problem.seen) == ("expect.fault", "'fault' without a fault")


@pytest.mark.parametrize("fault", ["closed-port", "{closed-port: }", "{closed-port: {}}"])
def test_a_fault_without_arguments_needs_no_braces(tmp_path: Path, fault: str) -> None:
    text = GOOD.replace("fault:\n  wrong-title: {title: OLD}", f"fault: {fault}", 1)
    scenario = load_scenario(write(tmp_path, text))
    assert scenario.fault == ClosedPort()


def test_the_fault_is_built_with_its_arguments_and_a_variant_has_its_own(
    tmp_path: Path,
) -> None:
    scenario = load_scenario(write(tmp_path, GOOD))
    assert scenario.fault == WrongTitle(title="OLD")
    assert scenario.variant("other").fault == WrongTitle(title="OTHER", times=3)


def test_settings_are_built_for_the_kind_of_their_role_and_a_variant_gives_only_its_own(
    tmp_path: Path,
) -> None:
    ours = "  archive: {check_called_aetitle: true}\n  ct: {max_pdu_length: 32768}\n"
    text = GOOD.replace("  archive: {check_called_aetitle: true}\n", ours)
    text += "    settings: {archive: {max_pdu_length: null}}\n"
    text += "    fix: {settings: {ct: {max_pdu_length: 16384}, peer: {}}}\n"
    scenario = load_scenario(write(tmp_path, text))
    archive = ArchiveSettings(check_called_aetitle=True)
    ct = ModalitySettings(max_pdu_length=32768)
    assert scenario.settings == {"archive": archive, "ct": ct}
    told = scenario.variant("other")
    assert told.settings["ct"] == ct
    assert told.settings["archive"].model_fields_set == {"check_called_aetitle", "max_pdu_length"}
    remedy = {"ct": ModalitySettings(max_pdu_length=16384), "peer": ArchiveSettings()}
    assert told.fix == Remedy(settings=remedy)


def test_a_folder_is_loaded_by_name_and_all_its_mistakes_told(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    network = tmp_path / "network"
    network.mkdir()
    other = GOOD.replace("wrong-title\ntitle", "a-cut\ntitle").replace("addressing", "network", 1)
    (network / "a-cut.yaml").write_text(other)
    assert [each.name for each in load_all(tmp_path)] == ["a-cut", "wrong-title"]
    (network / "a-cut.yaml").write_text(other.replace("fix: revert", "fix: revrt"))
    write(tmp_path, GOOD.replace("fix: revert", "fix: revrt"))
    with pytest.raises(ScenarioErrors) as caught:
        load_all(tmp_path)
    assert len({problem.file for problem in caught.value.problems}) == 2


def test_two_files_can_not_share_a_name(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    network = tmp_path / "network"
    network.mkdir()
    (network / "wrong-title.yaml").write_text(GOOD.replace("addressing", "network", 1))
    with pytest.raises(ScenarioErrors, match=r"name 'wrong-title' is taken by .*addressing"):
        load_all(tmp_path)


def test_a_folder_without_scenarios_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no scenarios in"):
        load_all(tmp_path)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("abc: -*'", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abct", max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """``GOOD`` with one value somewhere replaced by anything, or removed."""
    data = yaml.safe_load(GOOD)
    place = data
    while True:
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        deeper = place[key]
        if not isinstance(deeper, dict | list) or not deeper or draw(st.booleans()):
            break
        place = deeper
    if draw(st.booleans()):
        place[key] = draw(plain)
    else:
        del place[key]
    return yaml.safe_dump(data, sort_keys=False)


@example("[")
@example("\x850")
@example(GOOD.replace("to: archive}", "to: []}", 1))
@given(damaged() | st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_file_is_either_a_scenario_or_problems_at_places_in_it(
    tmp_path: Path, text: str
) -> None:
    file = write(tmp_path, text)
    scenario, problems = loaded(file)
    if scenario is None:
        assert problems
        lines = len(LINE_BREAK.split(text))
        assert all(1 <= problem.line <= lines for problem in problems)
        assert len(str(ScenarioErrors(problems)).splitlines()) == len(problems)
        return
    assert load_scenario(write(tmp_path, yaml.safe_dump(written(scenario)))) == scenario
    assert all(scenario.variant(variant).routes for variant in scenario.variants)


def written(scenario: LoadedScenario) -> dict[str, object]:
    """The scenario as a file has it."""
    names = {WrongTitle: "wrong-title", ClosedPort: "closed-port"}
    data = scenario.model_dump(mode="json", by_alias=True, exclude_unset=True)
    stories = [(data, scenario.fault)]
    stories += [(data["variants"][key], each.fault) for key, each in scenario.variants.items()]
    for story, fault in stories:
        if fault is not None:
            story["fault"] = {names[type(fault)]: given_in_words(fault)}
    return data


def loaded(file: Path) -> tuple[LoadedScenario | None, tuple[Problem, ...]]:
    """What becomes of a file: a scenario or problems, never another exception."""
    try:
        return load_scenario(file), ()
    except ScenarioErrors as errors:
        return None, errors.problems
