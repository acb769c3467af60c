"""A site on loopback leaves nothing behind: no process, no port, no folder."""

from __future__ import annotations

import shlex
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.backends.base import BACKENDS, Launch, ProcessLaunch, ThreadLaunch
from orchestrator.backends.local import LocalSite
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
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalSite]:
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    site = LocalSite("run", "lab", tmp_path / "lab")
    yield site
    site.close()


def only_process() -> ProcessIdentity:
    """The process in the registry."""
    ((_, entry),) = entries("processes", ProcessEntry)
    assert entry.process is not None
    assert entry.process.alive()
    return entry.process


def server(site: LocalSite, content: bytes = b"first") -> ProcessLaunch:
    try:
        port = site.control("web-node", "web").port
    except KeyError:
        port = site.reserve("web-node", {"web": 80}).listen["web"].port
    return ProcessLaunch(
        role="web-node",
        ports={"web": 80},
        service="none",
        command=(sys.executable, "-c", SERVER, "{config}/settings", str(port)),
        files={"settings": content},
    )


def answers(site: LocalSite) -> bool:
    try:
        with socket.create_connection(site.control("web-node", "web"), timeout=1):
            return True
    except OSError:
        return False


def test_local_is_always_available() -> None:
    backend = BACKENDS["local"]
    assert backend.unavailable() is None
    assert backend.has("orthanc", "no-such-binary-anywhere") is None
    assert backend.has("python", sys.executable) == sys.executable


def test_a_process_gets_its_configuration_and_its_words_are_kept(site: LocalSite) -> None:
    site.start([server(site)])
    wait_until(lambda: answers(site), seconds=20, what="the server")
    assert "first" in site.log("web-node")
    assert site.alive("web-node")


def test_a_restart_rewrites_the_configuration_and_keeps_the_data(site: LocalSite) -> None:
    site.start([server(site)])
    wait_until(lambda: answers(site), seconds=20, what="the server")
    site.restart(server(site, b"second"))
    wait_until(lambda: "second" in site.log("web-node"), seconds=20, what="the new words")
    assert site.alive("web-node")


def test_a_restart_that_wipes_empties_the_data(site: LocalSite) -> None:
    launch = server(site)
    data = site.reserve("other", {"web": 80}).data.parent / "web-node"
    site.start([launch])
    wait_until(lambda: answers(site), seconds=20, what="the server")
    (data / "old").touch()
    site.restart(server(site), wipe=True)
    assert not (data / "old").exists()


def test_closing_ends_processes_and_frees_ports_and_folders(
    site: LocalSite, tmp_path: Path
) -> None:
    place = site.reserve("web-node", {"web": 80})
    site.start([server(site)])
    wait_until(lambda: answers(site), seconds=20, what="the server")
    node = only_process()
    site.close()
    site.close()
    assert not node.alive()
    assert not place.data.exists()
    assert not list((tmp_path / "state" / "processes").iterdir())
    assert not list((tmp_path / "state" / "ports").iterdir())


def test_two_sites_never_share_a_port(site: LocalSite, tmp_path: Path) -> None:
    other = LocalSite("run", "second", tmp_path / "second")
    try:
        ports = [
            each.reserve(f"n{n}", {"dicom": 104, "web": 80}).listen[name].port
            for each in (site, other)
            for n in range(5)
            for name in ("dicom",)
        ]
        assert len(set(ports)) == len(ports)
        assert set(ports) <= set(reservations.PORTS)
    finally:
        other.close()


def test_configurations_are_readable_by_their_owner_only(site: LocalSite) -> None:
    place = site.reserve("web-node", {"web": 80})
    site.start([server(site)])
    assert (place.config / "settings").stat().st_mode & 0o077 == 0


def test_a_missing_binary_says_which(site: LocalSite) -> None:
    site.reserve("archive", {"web": 80})
    launch = ProcessLaunch(role="archive", ports={}, service="x", command=("no-such-binary",))
    with pytest.raises(LabError, match="no-such-binary"):
        site.start([launch])


def test_a_node_that_only_docker_can_run_says_so(site: LocalSite) -> None:
    site.reserve("arc", {"web": 80})
    with pytest.raises(EnvironmentProblemError, match="BACKEND=docker"):
        site.start([Launch(role="arc", ports={}, service="dcm4chee")])


def test_one_node_that_can_not_be_stopped_keeps_nothing_else_from_being_removed(
    site: LocalSite, tmp_path: Path
) -> None:
    class Stuck:
        def stop(self) -> None:
            raise LabError("it does not let go")

    site.reserve("relay", {"control": 1})
    site.start([ThreadLaunch(role="relay", ports={}, service="relay", start=Stuck, by_hand=())])
    site.start([server(site)])
    node = only_process()
    site.close()
    assert not node.alive()
    assert not list((tmp_path / "state" / "ports").iterdir())


def test_nothing_is_started_in_a_lab_that_is_being_removed(site: LocalSite) -> None:
    launch = server(site)
    site.close()
    with pytest.raises(LabError, match="being removed"):
        site.start([launch])


def test_the_commands_to_start_it_again_survive_a_shell(site: LocalSite) -> None:
    launch = server(site)
    site.start([launch])
    folder, command = site.reproduce()
    assert shlex.split(folder)[:2] == ["mkdir", "-p"]
    assert shlex.split(command)[1:3] == ["-c", SERVER]


def test_what_ran_as_threads_can_be_started_by_hand_too(site: LocalSite) -> None:
    class Threads:
        def stop(self) -> None:
            """Nothing to stop."""

    place = site.reserve("ct", {"dicom": 104})
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
    site.start([launch])
    remark, folder, command = site.reproduce()
    assert remark.startswith("# ct ran in the process of the run")
    assert folder == f"mkdir -p {place.data}"
    settings = f"{place.config}/settings"
    assert shlex.split(command) == ["env", "A=b c", sys.executable, *words[:2], settings]
    assert Path(settings).read_bytes() == b"x"
