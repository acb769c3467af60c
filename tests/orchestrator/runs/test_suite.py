"""Whole runs: where they run, what they leave out, and what starts a lab again by hand."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive.configuration import ServerConfiguration
from modalities.command_line import main as modality
from orchestrator.backends.base import Backend
from orchestrator.machine.waiting import wait_until
from orchestrator.model.results import CellResult, Verdict
from orchestrator.runs import choice, suite
from orchestrator.runs.request import RunRequest
from orchestrator.scenarios.loader import ScenarioErrors
from tests.fakes import FakeBackend, FakeWorld, Heard
from tests.real_runs import ROOT, scenario

PATIENCE = 60


@dataclass
class Engine(FakeBackend):
    """A Docker that is as told."""

    problem: str | None = None
    images: bool = True

    def unavailable(self) -> str | None:
        return self.problem

    def has(self, service: str, binary: str | None) -> str | None:
        return service if self.images else None


@pytest.mark.parametrize(
    ("stack", "engine", "chosen", "note"),
    [
        ("orthanc", {}, "docker", ""),
        ("orthanc", {"problem": "no engine"}, "local", "no engine"),
        ("orthanc", {"images": False}, "local", "make images"),
        ("@site.yaml", {}, "local", "an archive that already runs is reached from this machine"),
    ],
)
def test_a_run_without_docker_says_why(
    monkeypatch: pytest.MonkeyPatch, stack: str, engine: dict[str, str], chosen: str, note: str
) -> None:
    world = FakeWorld()
    backends: dict[str, Backend] = {
        "docker": Engine(world, name="docker", **engine),  # type: ignore[arg-type]
        "local": FakeBackend(world),
    }
    monkeypatch.setattr(choice, "BACKENDS", backends)
    heard = Heard()
    assert choice.choose_backend(RunRequest(names=("all",), stacks=(stack,)), heard).name == chosen
    assert bool(heard.notes) == bool(note)
    assert all(note in each and "None" not in each for each in heard.notes)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run in, with a state of its own."""
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(folder: Path, *names: str, heard: Heard | None = None) -> tuple[CellResult, ...]:
    request = RunRequest(names=names, stacks=("dcm4chee",), backend="local", runs=folder / "runs")
    return suite.execute(request, heard or Heard()).cells


def test_a_broken_scenario_is_in_nobodys_way_but_its_own(folder: Path) -> None:
    scenario(folder, "fine")
    scenario(folder, "broken", probe="eco")
    heard = Heard()
    (cell,) = run(folder, "fine", heard=heard)
    assert cell.verdict is Verdict.PASS, cell.reason
    (note,) = (each for each in heard.notes if "validate" in each)
    assert note.endswith("scenarios/addressing/broken.yaml")
    for names in (("broken",), ("fine", "bro*"), ("addressing",), ("all",), ("broken/variant",)):
        with pytest.raises(ScenarioErrors, match="unknown probe 'eco'"):
            run(folder, *names)


def started(lines: tuple[str, ...], stack: ExitStack) -> Iterator[str]:
    """Type ``lines`` into shells, one for each command that stays in the foreground."""
    for line in lines:
        words = shlex.split(line, comments=True)
        if words[:1] == ["mkdir"]:
            subprocess.run(words, check=True, timeout=PATIENCE)
        elif words:
            process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
            stack.callback(process.wait, PATIENCE)
            stack.callback(process.kill)
            yield line


def test_a_lab_that_is_gone_starts_again_by_hand(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario(folder, "fine", probe="store")
    (cell,) = run(folder, "fine")
    config = folder / "runs" / "latest" / cell.folder / "config" / "archive" / "archive.json"
    archive = ServerConfiguration.model_validate_json(config.read_bytes())
    assert not Path(archive.data).exists(), "the run removed its data"
    target = f"{archive.settings.aetitle}@{archive.host}:{archive.dicom_port}"
    study = folder / "runs" / "latest" / cell.folder / "exchange" / "study"
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, Path(archive.data).parent)
        commands = list(started(cell.reproduce, stack))
        assert len(commands) == 2, "the archive, and the modality that was a thread of the run"
        wait_until(
            lambda: modality(["echo", "--to", target]) == 0, seconds=PATIENCE, what="the archive"
        )
        assert modality(["send", str(study), "--to", target, "--calling", "CT"]) == 0
    assert "1/3 ct-" in capsys.readouterr().out
