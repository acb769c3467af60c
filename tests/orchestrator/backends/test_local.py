"""A runner on loopback leaves nothing behind: no process, no port, no folder."""

from __future__ import annotations

import shlex
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.backends.base import BACKENDS, Launch, ProcessLaunch, ThreadLaunch
from orchestrator.backends.local import LocalRunner
from orchestrator.errors import EnvironmentProblemError, LabError
from orchestrator.machine import reservations
from orchestrator.machine.owners import ProcessIdentity, entries
from orchestrator.machine.processes import ProcessEntry
from orchestrator.machine.waiting import wait_until

#: Prints its configuration, then serves HTTP from its data folder.
SERVER = (
    "import http.server, pathlib, sys, functools;"
    "print(pathlib.Path(sys.argv[1]).read_text(), flush=True);"
    "pathlib.Path('started').touch();"
    "http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[2])),"
    " http.server.SimpleHTTPRequestHandler).serve_forever()"
)


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalRunner]:
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    runner = LocalRunner("run", "lab", tmp_path / "lab")
    yield runner
    runner.close()


def only_process() -> ProcessIdentity:
    """The process in the registry."""
    ((_, entry),) = entries("processes", ProcessEntry)
    assert entry.process is not None
    assert entry.process.alive()
    return entry.process


def server(runner: LocalRunner, content: bytes = b"first") -> ProcessLaunch:
    try:
        port = runner.control("web-node", "web").port
    except KeyError:
        port = runner.reserve("web-node", {"web": 80}).listen["web"].port
    return ProcessLaunch(
        role="web-node",
        ports={"web": 80},
        service="none",
        command=(sys.executable, "-c", SERVER, "{config}/settings", str(port)),
        files={"settings": content},
    )


def answers(runner: LocalRunner) -> bool:
    try:
        with socket.create_connection(runner.control("web-node", "web"), timeout=1):
            return True
    except OSError:
        return False


def test_local_is_always_available() -> None:
    backend = BACKENDS["local"]
    assert backend.unavailable() is None
    assert backend.has("orthanc", "no-such-binary-anywhere") is None
    assert backend.has("python", sys.executable) == sys.executable


def test_a_process_gets_its_configuration_and_its_words_are_kept(runner: LocalRunner) -> None:
    runner.start([server(runner)])
    wait_until(lambda: answers(runner), seconds=20, what="the server")
    assert "first" in runner.log("web-node")
    assert runner.alive("web-node")


def test_a_restart_rewrites_the_configuration_and_keeps_the_data(runner: LocalRunner) -> None:
    runner.start([server(runner)])
    wait_until(lambda: answers(runner), seconds=20, what="the server")
    runner.restart(server(runner, b"second"))
    wait_until(lambda: "second" in runner.log("web-node"), seconds=20, what="the new words")
    assert runner.alive("web-node")


def test_a_restart_that_wipes_empties_the_data(runner: LocalRunner) -> None:
    launch = server(runner)
    data = runner.reserve("other", {"web": 80}).data.parent / "web-node"
    runner.start([launch])
    wait_until(lambda: answers(runner), seconds=20, what="the server")
    (data / "old").touch()
    runner.restart(server(runner), wipe=True)
    assert not (data / "old").exists()


def test_closing_ends_processes_and_frees_ports_and_folders(
    runner: LocalRunner, tmp_path: Path
) -> None:
    place = runner.reserve("web-node", {"web": 80})
    runner.start([server(runner)])
    wait_until(lambda: answers(runner), seconds=20, what="the server")
    node = only_process()
    runner.close()
    runner.close()
    assert not node.alive()
    assert not place.data.exists()
    assert not list((tmp_path / "state" / "processes").iterdir())
    assert not list((tmp_path / "state" / "ports").iterdir())


def test_two_runners_never_share_a_port(runner: LocalRunner, tmp_path: Path) -> None:
    other = LocalRunner("run", "second", tmp_path / "second")
    try:
        ports = [
            each.reserve(f"n{n}", {"dicom": 104, "web": 80}).listen[name].port
            for each in (runner, other)
            for n in range(5)
            for name in ("dicom",)
        ]
        assert len(set(ports)) == len(ports)
        assert set(ports) <= set(reservations.PORTS)
    finally:
        other.close()


def test_configurations_are_readable_by_their_owner_only(runner: LocalRunner) -> None:
    place = runner.reserve("web-node", {"web": 80})
    runner.start([server(runner)])
    assert (place.config / "settings").stat().st_mode & 0o077 == 0


def test_a_missing_binary_says_which(runner: LocalRunner) -> None:
    runner.reserve("archive", {"web": 80})
    launch = ProcessLaunch(role="archive", ports={}, service="x", command=("no-such-binary",))
    with pytest.raises(LabError, match="no-such-binary"):
        runner.start([launch])


def test_a_node_that_only_docker_can_run_says_so(runner: LocalRunner) -> None:
    runner.reserve("arc", {"web": 80})
    with pytest.raises(EnvironmentProblemError, match="BACKEND=docker"):
        runner.start([Launch(role="arc", ports={}, service="dcm4chee")])


def test_one_node_that_can_not_be_stopped_keeps_nothing_else_from_being_removed(
    runner: LocalRunner, tmp_path: Path
) -> None:
    class Stuck:
        def stop(self) -> None:
            raise LabError("it does not let go")

    runner.reserve("relay", {"control": 1})
    runner.start([ThreadLaunch(role="relay", ports={}, service="relay", start=Stuck, by_hand=())])
    runner.start([server(runner)])
    node = only_process()
    runner.close()
    assert not node.alive()
    assert not list((tmp_path / "state" / "ports").iterdir())


def test_nothing_is_started_in_a_lab_that_is_being_removed(runner: LocalRunner) -> None:
    launch = server(runner)
    runner.close()
    with pytest.raises(LabError, match="being removed"):
        runner.start([launch])


def test_the_commands_to_start_it_again_survive_a_shell(runner: LocalRunner) -> None:
    launch = server(runner)
    runner.start([launch])
    folder, command = runner.reproduce()
    assert shlex.split(folder)[:2] == ["mkdir", "-p"]
    assert shlex.split(command)[1:3] == ["-c", SERVER]


def test_what_ran_as_threads_can_be_started_by_hand_too(runner: LocalRunner) -> None:
    class Threads:
        def stop(self) -> None:
            """Nothing to stop."""

    place = runner.reserve("ct", {"dicom": 104})
    words = ("-m", "some.module", "{config}/settings")
    launch = ThreadLaunch(
        role="ct",
        ports={},
        service="none",
        start=Threads,
        by_hand=words,
        files={"settings": b"x"},
        environment={"A": "b c"},
    )
    runner.start([launch])
    remark, folder, command = runner.reproduce()
    assert remark.startswith("# ct ran in the process of the run")
    assert folder == f"mkdir -p {place.data}"
    settings = f"{place.config}/settings"
    assert shlex.split(command) == ["env", "A=b c", sys.executable, *words[:2], settings]
    assert Path(settings).read_bytes() == b"x"
