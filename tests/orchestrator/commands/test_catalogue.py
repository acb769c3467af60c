"""What list, show and validate say about scenarios."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from orchestrator.commands import catalogue
from orchestrator.errors import InputError
from orchestrator.faults.addressing import WrongCalledAETitle
from orchestrator.files.problems import InvalidFileError
from orchestrator.scenarios.loader import LoadedScenario

ROOT = Path(__file__).parents[3]
WRONG = LoadedScenario.model_validate(
    {
        "name": "wrong-title",
        "title": "The modality calls another title",
        "category": "addressing",
        "story": "The archive got a new title.",
        "owner": "modality",
        "roles": {"ct": {"kind": "modality"}, "archive": {"kind": "archive"}},
        "routes": {"store": {"probe": "store", "from": "ct", "to": "archive"}},
        "fault": WrongCalledAETitle(title="OLDPACS"),
        "variants": {
            "checked": {
                "title": "The title is checked",
                "settings": {"archive": {"check_called_aetitle": True}},
                "expect": {
                    "fault": [
                        {
                            "when": {"archive": "orthanc"},
                            "outcome": {"associate": "rejected 1/1/7"},
                            "why": "it compares (F1)",
                        },
                        {"outcome": ["success", {"connect": "refused"}]},
                    ]
                },
            }
        },
    }
)
HEALTHY = WRONG.model_copy(
    update={"name": "healthy", "category": "healthy", "fault": None, "variants": {}}
)


@pytest.fixture(autouse=True)
def scenarios(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "load_all", lambda _folder: (HEALTHY, WRONG))
    monkeypatch.setenv("COLUMNS", "140")


def test_the_list_has_a_line_for_each_scenario_below_its_category(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    catalogue.list_scenarios()
    assert capsys.readouterr().out.splitlines() == [
        "addressing",
        "  wrong-title  The modality calls another title (checked)",
        "healthy",
        "  healthy      The modality calls another title",
    ]


def test_a_scenario_is_shown_with_what_each_stack_is_expected_to_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    catalogue.show("wrong-title", tmp_path)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "wrong-title: The modality calls another title"
    assert "route store: store ct → archive" in lines
    assert "setting of archive: check_called_aetitle = true" in lines
    assert "fault: wrong-called-aetitle(title=OLDPACS)" in lines
    assert "fix: undo the fault" in lines
    words = "rejected: called AE title not recognized (1/1/7)"
    assert f"archive = orthanc: {words}; it compares (F1)" in lines
    assert "otherwise: success or refused: nothing listens there" in lines
    assert lines[-1] == "run it: pacslab run wrong-title"


def test_a_scenario_without_fault_has_a_baseline_only(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    catalogue.show("healthy", tmp_path)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert "fault: none" in lines
    assert "baseline:" in lines
    assert "fix:" not in lines


def test_an_unknown_name_is_answered_with_the_nearest_right_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'wrong-title'"):
        catalogue.show("wrong-titel", tmp_path)


def test_the_problems_of_all_files_are_reported_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.yaml", "a.yaml"):
        Path(name).write_text("story: It happened.\nroles: 3\n")
    with pytest.raises(InvalidFileError) as error:
        catalogue.validate((Path("b.yaml"), Path("a.yaml")))
    told = [line for line in str(error.value).splitlines() if "mapping" in line]
    roles = "roles: saw '3'; expected a mapping"
    assert told == [f"a.yaml:2: {roles}", f"b.yaml:2: {roles}"]
    assert capsys.readouterr().out == "b.yaml: scenario\na.yaml: scenario\n"


def test_files_without_errors_are_counted_and_each_is_said_to_be_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    shutil.copytree(ROOT / "scenarios" / "network", tmp_path / "scenarios" / "network")
    monkeypatch.chdir(tmp_path)
    catalogue.validate((Path("profiles/orthanc-1.12.yaml"), Path("scenarios")))
    assert capsys.readouterr().out.splitlines() == [
        "profiles/orthanc-1.12.yaml: vendor profile",
        "scenarios/network/cut-mid-study.yaml: scenario",
        "scenarios/network/firewall-drop.yaml: scenario",
        "3 files: no errors",
    ]


def test_without_files_all_scenarios_and_profiles_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    catalogue.validate(())
    assert capsys.readouterr().out == "2 scenarios: no errors\n3 profiles: no errors\n"
    mine = tmp_path / "profiles" / "mine.yaml"
    mine.parent.mkdir()
    mine.write_text("stack: mine\ntitle: Mine\n")
    with pytest.raises(InvalidFileError, match=r"profiles/mine\.yaml:1: defaults: 'defaults' is"):
        catalogue.validate(())
