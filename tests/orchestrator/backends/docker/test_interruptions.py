"""Whatever ends a run in containers, nothing of it is left on the engine."""

from __future__ import annotations

import json
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.backends.docker import labels
from orchestrator.backends.docker.compose import compose
from orchestrator.backends.docker.composefile import COMPOSE_FILE
from orchestrator.backends.docker.engine import DockerEngine
from orchestrator.machine.waiting import wait_until
from orchestrator.model.results import Verdict
from orchestrator.records.record import load_run
from tests.real_runs import PATIENCE, WITH_PLUGINS, Machine, Run, cells, scenario

pytestmark = pytest.mark.docker
#: A few cells on one lab: the archives, a modality and the relay.
SILENCE = ("firewall-drop", "--backend", "docker")
ONE_LAB = ("wrong-port", "--backend", "docker", "--stack", "orthanc")


@pytest.fixture
def machine(engine: DockerEngine, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.close()


def of_run(engine: DockerEngine, machine: Machine) -> list[str]:
    """Containers and networks of this test's runs, by their names."""
    mine = {path.name for path in machine.runs.iterdir()} if machine.runs.exists() else set()
    found = [*engine.containers(labels.RUN), *engine.networks(labels.RUN)]
    return [
        str(each.get("Names") or each.get("Name"))
        for each in found
        if each["Labels"][labels.RUN] in mine
    ]


def await_containers(engine: DockerEngine, machine: Machine) -> None:
    wait_until(
        lambda: bool(of_run(engine, machine)), seconds=PATIENCE, what="something on the engine"
    )


def require_nothing_left(engine: DockerEngine, machine: Machine) -> None:
    assert of_run(engine, machine) == []
    machine.require_nothing_left()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_a_signal_while_containers_are_being_started_leaves_none(
    engine: DockerEngine, machine: Machine, number: signal.Signals, code: int
) -> None:
    run = machine.start(*ONE_LAB)
    await_containers(engine, machine)
    run.signal(number)
    assert run.end() == code
    require_nothing_left(engine, machine)
    assert f"stopped by {number.name}" in run.record.interrupted


def test_a_signal_ends_a_wait_and_keeps_what_was_finished(
    engine: DockerEngine, machine: Machine
) -> None:
    run = machine.start(*SILENCE)
    run.await_line("firewall-drop/in-the-path", ": pass")
    run.await_line("firewall-drop", "baseline")
    run.signal(signal.SIGINT)
    assert run.end() == 130
    require_nothing_left(engine, machine)
    assert Verdict.PASS in {cell.verdict for cell in run.record.cells}
    cut = [cell for cell in run.record.cells if cell.verdict is Verdict.ERROR]
    assert cut
    assert all("interrupted" in cell.reason for cell in cut)


def killed(machine: Machine, engine: DockerEngine) -> Run:
    run = machine.start(*ONE_LAB)
    await_containers(engine, machine)
    run.kill_all()
    run.end()
    return run


def test_after_kill_9_the_next_run_works_and_says_what_it_removed(
    engine: DockerEngine, machine: Machine
) -> None:
    killed(machine, engine)
    run = machine.run(*ONE_LAB)
    assert "note: removed what a killed run left: docker lab" in run.said
    require_nothing_left(engine, machine)


def test_clean_removes_what_a_killed_run_left(engine: DockerEngine, machine: Machine) -> None:
    run = machine.start(*ONE_LAB)
    run.await_line("baseline")
    run.kill_all()
    run.end()
    assert of_run(engine, machine)
    assert "removed docker lab" in machine.clean()
    require_nothing_left(engine, machine)


def test_an_archive_that_dies_is_one_cells_error_and_the_next_gets_a_new_lab(
    engine: DockerEngine, machine: Machine
) -> None:
    scenario(machine.folder, "archive-dies", fault="kills-the-container")
    scenario(machine.folder, "archive-lives")
    words = ("all", "--backend", "docker", "--stack", "orthanc")
    run = machine.start(*words, cwd=machine.folder, script=WITH_PLUGINS)
    assert run.end() == 1
    require_nothing_left(engine, machine)
    (dead,) = cells(run.record, "archive-dies")
    assert dead.verdict is Verdict.ERROR
    assert "archive (orthanc (container" in dead.reason
    assert "Orthanc has started" in dead.reason
    (alive,) = cells(run.record, "archive-lives")
    assert alive.verdict is Verdict.PASS
    assert alive.folder == dead.folder, "or the log of the one that died is not tried here"
    log = (machine.runs / run.record.run / dead.folder / "logs" / "archive.log").read_text()
    assert log.count("Orthanc has started") == 2


def test_runs_at_once_do_not_meet(engine: DockerEngine, machine: Machine) -> None:
    local = ("wrong-port", "--backend", "local", "--stack", "orthanc")
    runs = [machine.start(*words) for words in (ONE_LAB, ONE_LAB, local)]
    assert [run.end() for run in runs] == [0, 0, 0], "".join(run.said for run in runs)
    records = [load_run(folder) for folder in machine.runs.glob("*Z-*")]
    assert len(records) == 3
    assert {cell.verdict for record in records for cell in record.cells} == {Verdict.PASS}
    require_nothing_left(engine, machine)


def test_a_kept_lab_publishes_on_loopback_only_and_outlives_other_runs(
    engine: DockerEngine, machine: Machine
) -> None:
    run = machine.run(*ONE_LAB, "--keep")
    name = run.record.run
    lab = set(of_run(engine, machine))
    containers = engine.containers(f"{labels.RUN}={name}")
    published = [port for each in containers for port in each["Ports"] if "PublicPort" in port]
    assert published
    assert {port["IP"] for port in published} == {"127.0.0.1"}
    networks: list[dict[str, Any]] = engine.networks(f"{labels.RUN}={name}")
    internal = {each["Name"].rpartition("_")[2]: each["Internal"] for each in networks}
    assert internal == {"dicom": True, "management": False}
    machine.run(*ONE_LAB)
    assert set(of_run(engine, machine)) == lab
    assert "removed kept lab" in machine.clean()
    require_nothing_left(engine, machine)


def test_the_databases_password_is_the_runs_own_on_both_sides(engine: DockerEngine) -> None:
    made = secrets.token_urlsafe(16)
    text = compose(
        ["--file", str(COMPOSE_FILE), "--profile", "dcm4chee", "config", "--format", "json"],
        seconds=PATIENCE,
        environment={"PACSLAB_DCM4CHEE_DB_PASSWORD": made},
        what="resolve compose.yaml",
    )
    services = json.loads(text)["services"]
    for name in ("dcm4chee", "dcm4chee-db"):
        assert services[name]["environment"]["POSTGRES_PASSWORD"] == made
