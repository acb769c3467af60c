"""What killed runs leave is found and removed; what is alive, or a stranger's, is left alone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from orchestrator.errors import EnvironmentProblemError
from orchestrator.machine import processes, reservations
from orchestrator.machine.owners import ProcessIdentity, read_entry, state_folder, write_new_entry
from orchestrator.machine.processes import ProcessEntry
from orchestrator.runs import remains

Sleeper = Callable[[], "subprocess.Popen[bytes]"]
#: Does what a run does, then waits to be killed.
RUN = """
import os, signal, subprocess, sys
from orchestrator.machine import processes, reservations
announced = processes.announce(run="dead", command=["sleep", "120"])
if sys.argv[1] == "forking":
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
else:
    descriptors = announced.descriptors
    node = subprocess.Popen(["sleep", "120"], start_new_session=True, pass_fds=descriptors)
    pid = node.pid
if sys.argv[1] not in ("forking", "starting"):
    announced.started(pid)
processes.register_run("dead", kept=sys.argv[1] == "kept")
folder = reservations.temporary_folder("dead")
(folder / "data").write_text("x")
print(pid, folder, reservations.reserve_port("dead"), flush=True)
signal.pause()
"""


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    # Containers have tests of their own, and other people's labs must not be looked at here.
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine.sock")
    return tmp_path / "state"


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["sleep", "120"]))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


class Run:
    """A process that behaves like a run with one node, a folder and a port."""

    def __init__(self, how: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN, how], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        pid, folder, port = self.process.stdout.readline().split()
        node = ProcessIdentity.of(int(pid))
        assert node is not None
        self.node, self.folder, self.port = node, Path(folder), int(port)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        processes.end(self.node, signal.SIGKILL)
        reservations.remove_folder(self.folder)


@pytest.fixture
def run() -> Iterator[Callable[[str], Run]]:
    runs: list[Run] = []

    def start(how: str = "at-work") -> Run:
        runs.append(Run(how))
        return runs[-1]

    yield start
    for each in runs:
        each.close()


def test_after_kill_9_everything_is_found_and_removed(run: Callable[[str], Run]) -> None:
    dead = run("at-work")
    dead.kill()
    assert dead.node.alive()
    removed = remains.sweep()
    assert removed == [
        f"process {dead.node.pid} (sleep 120) of run dead",
        f"temporary folder {dead.folder} of run dead",
        "1 port reservation",
    ]
    assert not dead.node.alive()
    assert not dead.folder.exists()
    assert not (state_folder("ports") / f"{dead.port}.json").exists()
    assert remains.sweep() == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows another's descriptors")
@pytest.mark.parametrize("instant", ["forking", "starting"])
def test_a_process_whose_run_was_killed_in_the_instant_of_its_start_is_found_too(
    run: Callable[[str], Run], instant: str
) -> None:
    dead = run(instant)
    dead.kill()
    assert f"process {dead.node.pid} (sleep 120) of run dead" in remains.sweep()
    assert not dead.node.alive()
    assert list(state_folder("processes").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who holds a descriptor")
def test_a_process_that_ends_while_it_is_looked_at_does_not_hide_the_others(
    run: Callable[[str], Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = run("starting")
    dead.kill()

    def unless_it_is_ours(list_folder: Callable[[str], object]) -> Callable[[str], object]:
        def listed(folder: str) -> object:
            if str(folder) == f"/proc/{os.getpid()}/fd":
                raise FileNotFoundError(folder)
            return list_folder(folder)

        return listed

    with monkeypatch.context() as patch:
        for name in ("listdir", "scandir"):
            patch.setattr(os, name, unless_it_is_ours(getattr(os, name)))
        (line,) = processes.sweep()
    assert line.startswith(f"process {dead.node.pid} ")


def test_what_was_being_entered_when_its_run_was_killed_is_removed(
    sleeper: Sleeper, own_state: Path
) -> None:
    writer = sleeper()
    unfinished = [
        state_folder(sort) / f".entry.json.{writer.pid}.140134147151552"
        for sort in ("processes", "runs", "folders", "ports")
    ]
    for path in unfinished:
        path.touch()
    remains.sweep()
    assert all(path.exists() for path in unfinished), "its writer is still at it"
    writer.kill()
    writer.wait()
    remains.sweep()
    assert [path for path in own_state.rglob("*") if path.is_file()] == []


def test_a_live_run_keeps_everything(run: Callable[[str], Run]) -> None:
    alive = run("at-work")
    assert remains.sweep() == []
    assert remains.clean() == []
    assert alive.node.alive()
    assert alive.folder.exists()
    assert processes.live_runs() == {"dead"}


def test_clean_ends_kept_labs(run: Callable[[str], Run]) -> None:
    kept = run("kept")
    removed = remains.clean()
    assert removed[0] == f"kept lab dead (process {kept.process.pid} stopped)"
    assert kept.process.wait() == -signal.SIGTERM
    assert not kept.node.alive()
    assert not kept.folder.exists()


def test_clean_all_stops_runs_at_work(run: Callable[[str], Run]) -> None:
    busy = run("at-work")
    assert remains.clean(all=True)[0] == f"run dead (process {busy.process.pid} stopped)"
    assert not busy.node.alive()
    assert processes.live_runs() == frozenset()


def test_clean_all_does_not_stop_itself() -> None:
    processes.register_run("mine")
    assert remains.clean(all=True) == []
    assert processes.live_runs() == {"mine"}


def test_a_stranger_with_the_id_of_one_of_ours_is_left_alone(
    sleeper: Sleeper, own_state: Path
) -> None:
    stranger = sleeper()
    gone = ProcessIdentity(pid=2**22 + 1, started="long ago")
    entry = ProcessEntry(
        mark="0123456789abcdef",
        process=ProcessIdentity(pid=stranger.pid, started="before the stranger"),
        owner=gone,
        run="dead",
        command=("sleep",),
    )
    path = own_state / "processes" / f"{stranger.pid}.json"
    path.parent.mkdir(parents=True)
    path.write_text(entry.model_dump_json())
    assert processes.sweep() == []
    assert stranger.poll() is None
    assert not path.exists()


def test_a_signal_never_reaches_a_stranger(sleeper: Sleeper) -> None:
    stranger = sleeper()
    ours = ProcessIdentity(pid=stranger.pid, started="before the stranger")
    assert processes.end(ours, signal.SIGKILL) == "already gone"
    assert stranger.poll() is None


def test_a_process_that_ended_by_itself_is_only_struck_out(sleeper: Sleeper) -> None:
    process = sleeper()
    announced = processes.announce(run="r", command=["sleep"])
    announced.started(process.pid)
    announced.withdraw()
    announced.withdraw()
    assert list(state_folder("processes").iterdir()) == []
    process.kill()
    process.wait()
    processes.announce(run="r", command=["sleep"]).started(process.pid)
    assert list(state_folder("processes").iterdir()) == []


def test_a_process_that_ignores_sigterm_is_killed(sleeper: Sleeper) -> None:
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True)"
    stubborn = subprocess.Popen(
        [sys.executable, "-c", f"{script}; signal.pause()"], stdout=subprocess.PIPE
    )
    assert stubborn.stdout is not None
    stubborn.stdout.readline()
    identity = ProcessIdentity.of(stubborn.pid)
    assert identity is not None
    assert processes.end(identity, signal.SIGTERM, patience=0.2) == "killed"
    assert stubborn.wait() == -signal.SIGKILL
    assert processes.end(identity, signal.SIGTERM) == "already gone"


def test_an_identity_is_not_shared_with_another_process(sleeper: Sleeper) -> None:
    process = sleeper()
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    assert identity.alive()
    assert identity == ProcessIdentity.of(process.pid)
    assert not ProcessIdentity(pid=os.getpid(), started=identity.started + "0").alive()
    process.kill()
    # A zombie until it is waited for: as dead as can be.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not identity.alive()
    assert ProcessIdentity.of(process.pid) is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system keeps the time of day")
def test_a_process_is_the_same_after_the_clock_was_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = ProcessIdentity.current()
    own = f"{os.getpid()}/stat"
    (tmp_path / str(os.getpid())).mkdir()
    (tmp_path / own).write_bytes(Path(f"/proc/{own}").read_bytes())
    (tmp_path / "stat").write_text("btime 1000000000\n")
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    assert psutil.boot_time() == 1000000000
    assert ProcessIdentity.current() == before
    assert before.alive()


def test_reserved_ports_are_all_different_and_bindable() -> None:
    ports = [reservations.reserve_port("r") for _ in range(50)]
    assert len(set(ports)) == 50
    for port in ports:
        assert port in reservations.PORTS
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port))
        reservations.release_port(port)
    assert list(state_folder("ports").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere users don't see each other's ports")
def test_a_port_reserved_by_another_user_is_not_given_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    taken = reservations.reserve_port("mine")
    monkeypatch.setattr(reservations, "PORTS", range(taken, taken + 1))
    with monkeypatch.context() as other:
        other.setenv("PACSLAB_STATE", str(tmp_path / "of-another-user"))
        with pytest.raises(EnvironmentProblemError):
            reservations.reserve_port("theirs")
    reservations.release_port(taken)
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "of-another-user"))
    assert reservations.reserve_port("theirs") == taken
    reservations.release_port(taken)


def test_two_runs_never_get_the_same_port(run: Callable[[str], Run]) -> None:
    other = run("at-work")
    for port in reservations.PORTS:
        if port != other.port:
            (state_folder("ports") / f"{port}.json").touch()
    with pytest.raises(EnvironmentProblemError, match="pacslab clean"):
        reservations.reserve_port("r")


def test_of_two_that_enter_the_same_only_the_first_succeeds(tmp_path: Path) -> None:
    path = tmp_path / "entry.json"
    first, second = (ProcessIdentity(pid=pid, started="now") for pid in (1, 2))
    assert write_new_entry(path, first)
    assert not write_new_entry(path, second)
    assert read_entry(path, ProcessIdentity) == first
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        pytest.param(
            "127.0.0.2",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="one loopback address only"),
        ),
    ],
)
def test_a_port_that_somebody_listens_on_is_not_given_out(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    with socket.socket() as listener:
        listener.bind((host, 0))
        listener.listen()
        taken = listener.getsockname()[1]
        monkeypatch.setattr(reservations, "PORTS", range(taken, taken + 1))
        with pytest.raises(EnvironmentProblemError):
            reservations.reserve_port("r")
    assert reservations.reserve_port("r") == taken


def test_a_temporary_folder_is_named_after_its_run_whatever_the_label() -> None:
    folder = reservations.temporary_folder("r", "lab @x/y")
    assert folder.is_dir()
    assert folder.name.startswith("pacslab-r-lab--x-y-")
    assert folder.stat().st_mode & 0o077 == 0
    reservations.remove_folder(folder)
    reservations.remove_folder(folder)
    assert not folder.exists()
    assert list(state_folder("folders").iterdir()) == []


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"PACSLAB_STATE": "/a"}, "/a/ports"),
        ({"XDG_STATE_HOME": "/x"}, "/x/pacslab/ports"),
        ({"HOME": "/h"}, "/h/.local/state/pacslab/ports"),
    ],
)
def test_the_state_folder_follows_the_environment(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    expected: str,
) -> None:
    monkeypatch.delenv("PACSLAB_STATE")
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, f"{tmp_path}{value}")
    assert state_folder("ports") == Path(f"{tmp_path}{expected}")
