"""Run folders: unique, findable, pruned by count but never the live or the last failing one."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import EnvironmentProblemError, InputError
from orchestrator.model.results import Verdict
from orchestrator.records.folders import find_run, new_run, point_latest, prune, run_over
from orchestrator.records.record import write_run
from tests import samples


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))


def recorded(
    runs: Path,
    day: int,
    verdict: Verdict = Verdict.PASS,
    interrupted: str = "",
    state: str = "over",
) -> Path:
    folder = runs / f"202601{day:02}T000000Z-abcdef"
    folder.mkdir(parents=True)
    cell = samples.cell(verdict=verdict)
    result = samples.run(cell, name=folder.name, interrupted=interrupted)
    write_run(folder, result.model_copy(update={"state": state}))
    return folder


def test_two_runs_in_the_same_second_get_folders_of_their_own(tmp_path: Path) -> None:
    assert len({new_run(tmp_path / "runs") for _ in range(20)}) == 20


def test_a_file_in_place_of_the_runs_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")
    with pytest.raises(EnvironmentProblemError, match="--runs"):
        new_run(tmp_path / "runs")


def test_the_oldest_records_beyond_the_count_are_removed(tmp_path: Path) -> None:
    folders = [recorded(tmp_path, day) for day in range(1, 6)]
    assert set(prune(tmp_path, keep=3)) == set(folders[:2])
    assert [folder.exists() for folder in folders] == [False, False, True, True, True]


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE])
def test_the_last_failing_record_outlives_pruning(tmp_path: Path, verdict: Verdict) -> None:
    older = recorded(tmp_path, 1, verdict)
    last = recorded(tmp_path, 2, verdict)
    recorded(tmp_path, 3, Verdict.UNSUPPORTED)
    recorded(tmp_path, 4)
    prune(tmp_path, keep=1)
    assert last.exists()
    assert not older.exists()


def test_an_interrupted_record_counts_as_failing(tmp_path: Path) -> None:
    interrupted = recorded(tmp_path, 1, interrupted="by the user")
    recorded(tmp_path, 2)
    prune(tmp_path, keep=1)
    assert interrupted.exists()


def test_a_killed_record_counts_as_failing_and_a_live_one_does_not(tmp_path: Path) -> None:
    killed = recorded(tmp_path, 1, state="running")
    recorded(tmp_path, 2)
    live = new_run(tmp_path)
    write_run(live, samples.run(name=live.name).model_copy(update={"state": "running"}))
    prune(tmp_path, keep=1)
    assert killed.exists()
    assert live.exists()


def test_a_live_run_is_never_pruned(tmp_path: Path) -> None:
    live = new_run(tmp_path)
    assert prune(tmp_path, keep=0) == []
    run_over(live)
    assert prune(tmp_path, keep=0) == [live]


def test_pruning_touches_nothing_but_run_folders(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    outside = recorded(tmp_path / "elsewhere", 1)
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "my-notes").mkdir()
    (runs / outside.name).symlink_to(outside, target_is_directory=True)
    assert prune(runs, keep=0) == []
    assert outside.exists()
    assert (runs / "my-notes").exists()


def test_a_run_is_found_by_its_id_or_the_start_of_one(tmp_path: Path) -> None:
    first, second = recorded(tmp_path, 1), recorded(tmp_path, 2)
    assert find_run(tmp_path, first.name) == first
    assert find_run(tmp_path, "20260102T") == second
    with pytest.raises(InputError, match="2 runs begin with '202601'"):
        find_run(tmp_path, "202601")
    with pytest.raises(InputError, match="did you mean"):
        find_run(tmp_path, "20260103T000000Z-abcdef")


def test_latest_is_found_without_symbolic_links_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = recorded(tmp_path, 1), recorded(tmp_path, 2)

    def refuse(self: Path, target: object, target_is_directory: bool = False) -> None:
        raise OSError("symbolic links need a privilege")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    point_latest(older)
    assert find_run(tmp_path) == older
    point_latest(newer)
    assert find_run(tmp_path) == newer


def test_somebodys_folder_called_latest_leads_to_no_run_and_stays(tmp_path: Path) -> None:
    (tmp_path / "latest" / "notes").mkdir(parents=True)
    newest = recorded(tmp_path, 2)
    recorded(tmp_path, 1)
    assert find_run(tmp_path) == newest
    assert (tmp_path / "latest" / "notes").is_dir()


def test_without_any_run_latest_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pacslab run NAME"):
        find_run(tmp_path)
