from __future__ import annotations

import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.backends.base import Launch
from orchestrator.backends.docker import labels, remains
from orchestrator.backends.docker.engine import DockerEngine
from orchestrator.backends.docker.runner import DockerRunner, project_name
from orchestrator.errors import LabError
from orchestrator.machine.waiting import wait_until
from tests.orchestrator.backends.docker.nodes import (
    PORTS,
    ask,
    await_orthanc,
    connect,
    orthanc,
    run_in,
)

pytestmark = pytest.mark.docker
OpenRunner = Callable[[], DockerRunner]


def left_of(engine: DockerEngine, runner: DockerRunner) -> list[str]:
    label = f"{labels.LAB}={runner.lab}"
    return [str(each["Id"]) for each in (*engine.containers(label), *engine.networks(label))]


def address_in(engine: DockerEngine, runner: DockerRunner, role: str, name: str) -> str:
    code, output = run_in(engine, runner.container(role), "getent", "hosts", name)
    return output.split()[0] if code == 0 else ""


def subnet_of_dicom(engine: DockerEngine, runner: DockerRunner) -> str:
    network = engine.call(engine.api.inspect_network, runner.network)
    return str(network["IPAM"]["Config"][0]["Subnet"]).rpartition(".")[0].rsplit(".", 1)[0]


def test_a_started_archive_answers_on_its_published_port_of_loopback(
    two_archives: DockerRunner,
) -> None:
    assert two_archives.control("archive", "web").host == "127.0.0.1"
    assert ask(two_archives, "archive", "/system")["DicomPort"] == PORTS["dicom"]
    assert two_archives.alive("archive")


def test_roles_reach_each_other_by_name_on_the_dicom_network(
    engine: DockerEngine, two_archives: DockerRunner
) -> None:
    found = address_in(engine, two_archives, "peer", "archive")
    network = engine.call(engine.api.inspect_network, two_archives.network)
    members = {each["IPv4Address"].split("/")[0] for each in network["Containers"].values()}
    assert found in members
    assert connect(engine, two_archives, "peer", "archive", PORTS["dicom"]) == "open"


def test_a_name_outside_the_lab_is_not_resolved(
    engine: DockerEngine, two_archives: DockerRunner
) -> None:
    assert address_in(engine, two_archives, "peer", "no-such-archive") == ""


def test_nothing_is_published_beyond_loopback(
    engine: DockerEngine, two_archives: DockerRunner
) -> None:
    for container in engine.containers(f"{labels.LAB}={two_archives.lab}"):
        published = [port["IP"] for port in container["Ports"] if "PublicPort" in port]
        assert published
        assert set(published) == {"127.0.0.1"}


def test_a_restart_keeps_the_data_reads_the_new_configuration_and_the_log_goes_on(
    open_runner: OpenRunner,
) -> None:
    runner = open_runner()
    runner.start([orthanc(runner, "archive", aetitle="BEFORE")])
    await_orthanc(runner, "archive")
    ask(
        runner,
        "archive",
        "/tools/create-dicom",
        json.dumps({"Tags": {"PatientID": "LAB"}}).encode(),
    )
    before = runner.log("archive")

    runner.restart(orthanc(runner, "archive", aetitle="AFTER"))
    await_orthanc(runner, "archive")

    assert ask(runner, "archive", "/system")["DicomAet"] == "AFTER"
    assert ask(runner, "archive", "/statistics")["CountInstances"] == 1
    assert runner.log("archive").startswith(before)
    assert len(runner.log("archive")) > len(before)


def test_wiping_empties_the_archive_and_keeps_what_it_said(open_runner: OpenRunner) -> None:
    runner = open_runner()
    launch = orthanc(runner, "archive")
    runner.start([launch])
    await_orthanc(runner, "archive")
    ask(
        runner,
        "archive",
        "/tools/create-dicom",
        json.dumps({"Tags": {"PatientID": "LAB"}}).encode(),
    )
    before = runner.log("archive")

    runner.restart(launch, wipe=True)
    await_orthanc(runner, "archive")

    assert ask(runner, "archive", "/statistics")["CountInstances"] == 0
    assert runner.log("archive").startswith(before)


def test_another_environment_needs_another_container(
    engine: DockerEngine, open_runner: OpenRunner
) -> None:
    runner = open_runner()
    launch = orthanc(runner, "archive")
    runner.start([launch])
    first = runner.container("archive")

    runner.restart(replace(launch, environment={"LAB_TEST": "a$b c"}))

    assert runner.container("archive") != first
    code, value = run_in(engine, runner.container("archive"), "printenv", "LAB_TEST")
    assert (code, value) == (0, "a$b c")


def test_nodes_can_be_added_to_a_running_lab(open_runner: OpenRunner) -> None:
    runner = open_runner()
    runner.start([orthanc(runner, "archive")])
    first = runner.container("archive")
    runner.start([orthanc(runner, "archive"), orthanc(runner, "peer")])
    assert runner.container("archive") == first
    await_orthanc(runner, "peer")


def test_a_node_that_dies_at_once_is_reported_with_its_last_words(open_runner: OpenRunner) -> None:
    runner = open_runner()
    launch = orthanc(runner, "archive")
    runner.start([launch])
    runner.restart(replace(launch, files={"orthanc.json": b"{ this is no JSON"}))
    wait_until(lambda: not runner.alive("archive"), seconds=60, what="Orthanc to give up")
    with pytest.raises(LabError, match="of archive is not published") as caught:
        runner.control("archive", "web")
    assert any("JSON" in line for line in caught.value.log_tail)


def test_an_image_that_is_not_here_is_an_error_and_not_a_download(
    engine: DockerEngine, tmp_path: Path
) -> None:
    runner = DockerRunner(
        engine,
        "test-run",
        f"test-{secrets.token_hex(4)}",
        tmp_path,
        image_for=lambda service: f"pacslab/no-such-image:{service}",
        node_image="",
    )
    with pytest.raises(LabError, match=r"pacslab/no-such-image"):
        runner.start([orthanc(runner, "archive")])
    runner.close()
    assert left_of(engine, runner) == []


def test_closing_keeps_the_logs_and_leaves_nothing_on_the_engine(
    engine: DockerEngine, open_runner: OpenRunner
) -> None:
    runner = open_runner()
    runner.start([orthanc(runner, "archive")])
    await_orthanc(runner, "archive")
    assert left_of(engine, runner)

    runner.close()
    runner.close()

    assert left_of(engine, runner) == []
    assert "Orthanc has started" in runner.log("archive")


def test_the_lab_can_be_started_again_by_hand_from_its_folder_alone(
    engine: DockerEngine, open_runner: OpenRunner
) -> None:
    runner = open_runner()
    runner.start([orthanc(runner, "archive")])
    up, *ports, down = runner.reproduce()
    runner.close()
    try:
        subprocess.run(shlex.split(up), check=True, capture_output=True, timeout=120)
        published = [
            subprocess.run(
                shlex.split(port), check=True, capture_output=True, text=True, timeout=30
            ).stdout
            for port in ports
        ]
        assert len(published) == len(PORTS)
        assert all(line.startswith("127.0.0.1:") for line in published)
        # It has no owner: no sweep may take it away from whoever started it.
        remains.sweep(engine=engine)
        assert left_of(engine, runner)
    finally:
        subprocess.run(shlex.split(down), check=True, capture_output=True, timeout=120)
    assert left_of(engine, runner) == []


OWNER = """
import sys
from pathlib import Path
from orchestrator.backends.docker.backend import DockerBackend
from tests.orchestrator.backends.docker.nodes import orthanc
runner = DockerBackend().open("dead-run", sys.argv[1], Path(sys.argv[2]))
runner.start([orthanc(runner, "archive")])
print("started", flush=True)
sys.stdin.read()
"""


def test_what_a_killed_run_left_is_swept_and_a_live_lab_stays(
    engine: DockerEngine, two_archives: DockerRunner, open_runner: OpenRunner, tmp_path: Path
) -> None:
    victim = open_runner()
    command = [sys.executable, "-c", OWNER, victim.lab, str(tmp_path / "victim")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "started\n"
        os.kill(owner.pid, signal.SIGKILL)
    assert left_of(engine, victim)

    swept = remains.sweep(engine=engine)

    assert any(victim.lab in line and "dead-run" in line for line in swept)
    assert left_of(engine, victim) == []
    assert two_archives.alive("archive")


def test_a_role_that_was_not_started_is_named(open_runner: OpenRunner) -> None:
    with pytest.raises(LabError, match="archive was not started"):
        open_runner().control("archive", "web")


@pytest.mark.parametrize(
    ("service", "ports"),
    [
        ("modality", {"dicom": 11104, "control": 8104}),
        ("workstation", {"dicom": 11104, "control": 8104}),
        ("relay", {"control": 8105}),
    ],
)
def test_our_own_nodes_answer_on_their_control_port(
    open_runner: OpenRunner, service: str, ports: dict[str, int]
) -> None:
    runner = open_runner()
    runner.reserve("node", ports)
    runner.start([Launch(role="node", ports=ports, service=service)])
    wait_until(
        lambda: "control" in runner.log("node"),
        seconds=120,
        what=f"{service} to say that it listens",
        alive=lambda: runner.alive("node"),
        log=lambda: runner.log("node"),
    )


def test_project_names_are_valid_and_differ_where_labs_differ() -> None:
    names = [project_name(lab) for lab in ("pacslab-1", "Pacslab-1", "x" * 200, "x" * 201)]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() and len(name) <= 63 for name in names)
