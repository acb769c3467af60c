"""A compose process ends with the lab it works for, and one that outlives its run is found."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.backends.docker.compose import ComposeGuard, compose
from orchestrator.errors import EnvironmentProblemError, LabError
from orchestrator.machine.owners import state_folder
from orchestrator.machine.waiting import wait_until

PATIENCE = 60.0
Docker = Callable[[str], None]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """Puts a script in the place of the docker command."""
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def put(script: str) -> None:
        command = tmp_path / "docker"
        command.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        command.chmod(command.stat().st_mode | stat.S_IXUSR)

    return put


def test_what_it_prints_is_returned(docker: Docker) -> None:
    docker('echo "$@"')
    assert compose(["ps"], seconds=PATIENCE, what="list") == "compose --ansi never ps\n"


def test_a_failure_is_told_in_its_last_words(docker: Docker) -> None:
    docker("echo first >&2; echo no such service >&2; exit 1")
    with pytest.raises(LabError, match="docker compose could not start: no such service") as error:
        compose(["up"], seconds=PATIENCE, what="start")
    assert error.value.log_tail == ("first", "no such service")


def test_one_that_takes_too_long_is_ended_with_its_children(docker: Docker) -> None:
    docker("echo still pulling >&2; sleep 1000 & wait")
    with pytest.raises(LabError, match=r"could not start within 0.1 s"):
        compose(["up"], seconds=0.1, what="start")


def test_without_docker_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentProblemError, match="BACKEND=local"):
        compose(["ps"], seconds=PATIENCE, what="list")


def test_it_is_in_the_registry_as_long_as_it_runs_and_ends_with_its_lab(docker: Docker) -> None:
    docker("sleep 1000 & wait")
    guard = ComposeGuard("run")
    with ThreadPoolExecutor() as pool:
        starting = pool.submit(compose, ["up"], seconds=PATIENCE, what="start", guard=guard)
        registry = state_folder("processes")
        wait_until(lambda: bool(list(registry.glob("*.json"))), seconds=PATIENCE, what="its entry")
        guard.end()
        with pytest.raises(LabError, match="could not start"):
            starting.result(PATIENCE)
    assert not list(registry.glob("*.json"))


def test_nothing_is_started_for_a_lab_that_is_being_removed(docker: Docker, tmp_path: Path) -> None:
    docker(f"touch {tmp_path}/started")
    guard = ComposeGuard("run")
    guard.end()
    with pytest.raises(LabError, match="being removed"):
        compose(["up"], seconds=PATIENCE, what="start", guard=guard)
    assert not (tmp_path / "started").exists()
