"""Nodes as processes and threads on loopback: no engine, no privileges."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from orchestrator.backends.base import (
    BACKENDS,
    InProcess,
    Launch,
    NodeRunner,
    Place,
    ProcessLaunch,
    ThreadLaunch,
)
from orchestrator.errors import EnvironmentProblemError, LabError, PacslabError
from orchestrator.machine import processes, reservations
from orchestrator.model.address import Address

_LOOPBACK: Final = "127.0.0.1"
_KILL_SECONDS: Final = 5.0


class LocalBackend:
    """Registered as ``local``; always available."""

    name = "local"
    shares_labs = False

    def unavailable(self) -> str | None:
        """Loopback is always there."""
        return None

    def has(self, service: str, binary: str | None) -> str | None:
        """The path of ``binary`` on this host. Debian keeps daemons in /usr/sbin."""
        del service
        if binary is None:
            return None
        return _which(binary)

    def open(self, run: str, lab: str, folder: Path) -> NodeRunner:
        """Configuration and logs stay in ``folder``; data goes to a temporary one."""
        return LocalRunner(run, lab, folder)


BACKENDS.register("local")(LocalBackend())


@dataclass
class _Node:
    launch: Launch
    place: Place
    process: subprocess.Popen[bytes] | None = None
    announcement: processes.Announcement | None = None
    threads: InProcess | None = None
    command: tuple[str, ...] = field(default=())


class LocalRunner:
    """One lab on loopback. All state is in this object, the registries and two folders.

    Any thread may close it while another one is starting nodes: from then on nothing starts.
    """

    def __init__(self, run: str, lab: str, folder: Path) -> None:
        self._run = run
        self._folder = folder.resolve()
        self._data = reservations.temporary_folder(run, lab)
        self._places: dict[str, Place] = {}
        self._nodes: dict[str, _Node] = {}
        self._ports: list[int] = []
        self._closed = False
        # An interrupted run closes the runner from another thread than the one that works on it.
        self._lock = Lock()

    @property
    def filters(self) -> None:
        """Nodes on loopback share this host's network; filtering it would hurt others."""
        return None

    def reserve(self, role: str, ports: Mapping[str, int]) -> Place:
        """Pick a free loopback port for each name and make the role's folders."""
        addresses = {name: Address(_LOOPBACK, self._reserve_port()) for name in ports}
        config = self._folder / "config" / role
        data = self._data / role
        exchange = self._folder / "exchange"
        for folder in (config, data, exchange, self._folder / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        place = Place(
            role=role,
            listen=addresses,
            peers=addresses,
            config=config,
            data=data,
            exchange=exchange,
            node_config=str(config),
            node_data=str(data),
            node_exchange=str(exchange),
        )
        self._places[role] = place
        return place

    def start(self, launches: Sequence[Launch]) -> None:
        """Start processes first: they come up while the nodes of this process are made."""
        for launch in sorted(launches, key=lambda each: not isinstance(each, ProcessLaunch)):
            with self._lock:
                if launch.role not in self._nodes:
                    node = _Node(launch, self._places[launch.role])
                    self._nodes[launch.role] = node
                    self._run_node(node)

    def restart(self, launch: Launch, *, wipe: bool = False) -> None:
        """End the node at once (Orthanc takes 3.5 s to stop politely), then start it again."""
        node = self._nodes[launch.role]
        with self._lock:
            self._end_node(node)
            if wipe:
                shutil.rmtree(node.place.data)
                node.place.data.mkdir()
            node.launch = launch
            self._run_node(node)

    def rewrite(self, launch: Launch) -> None:
        """Rewrite the node's files; it reads them when it is started again."""
        node = self._nodes[launch.role]
        node.launch = launch
        self._write_files(node)

    def control(self, role: str, port: str) -> Address:
        """Nodes listen on loopback, so this is where their peers reach them too."""
        return self._places[role].listen[port]

    def alive(self, role: str) -> bool:
        node = self._nodes[role]
        return node.threads is not None or (
            node.process is not None and node.process.poll() is None
        )

    def log(self, role: str) -> str:
        """What the process wrote so far; in-process nodes keep their own log."""
        path = self._log_path(role)
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def reproduce(self) -> tuple[str, ...]:
        """Each node's command, with its configuration in the run folder; a shell for each."""
        return tuple(line for node in self._nodes.values() for line in _by_hand(node))

    def close(self) -> None:
        """End every node, give the ports back, remove the data.

        A second caller waits until the first is done.
        """
        with self._lock:
            self._closed = True
            for node in self._nodes.values():
                # One that can't be ended must not keep the others. Its entry in the registry
                # stays, so the next run, or `pacslab clean`, finishes this.
                with suppress(PacslabError, OSError, subprocess.TimeoutExpired):
                    self._end_node(node)
            while self._ports:
                with suppress(PacslabError, OSError):
                    reservations.release_port(self._ports.pop())
            with suppress(PacslabError, OSError):
                reservations.remove_folder(self._data)

    def _reserve_port(self) -> int:
        port = reservations.reserve_port(self._run)
        self._ports.append(port)
        return port

    def _log_path(self, role: str) -> Path:
        return self._folder / "logs" / f"{role}.log"

    def _write_files(self, node: _Node) -> None:
        for name, content in node.launch.files.items():
            # Configurations hold the run's generated password.
            path = node.place.config / name
            path.touch(mode=0o600)
            path.write_bytes(content)

    def _run_node(self, node: _Node) -> None:
        if self._closed:
            raise LabError(f"{node.launch.role} is not started: its lab is being removed")
        self._write_files(node)
        match node.launch:
            case ProcessLaunch(command=words):
                self._run_process(node, words)
            case ThreadLaunch(start=start):
                node.threads = start()
            case launch:
                raise EnvironmentProblemError(
                    f"{launch.role} ({launch.service}) can't run without Docker:"
                    " it has no binary on this host. Use BACKEND=docker, or another stack."
                )

    def _run_process(self, node: _Node, words: tuple[str, ...]) -> None:
        command = [_which(words[0]) or words[0], *_with_folders(words[1:], node.place)]
        node.command = tuple(command)
        node.announcement = processes.announce(run=self._run, command=command)
        try:
            with self._log_path(node.launch.role).open("ab") as log:
                node.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=node.place.data,
                    env={**os.environ, **node.launch.environment},
                    pass_fds=node.announcement.descriptors,
                    # Ctrl-C in the terminal goes to the engine, which tears the lab down in order.
                    start_new_session=True,
                )
        except OSError as error:
            node.announcement.withdraw()
            raise LabError(f"{node.launch.role}: could not start {command[0]}: {error}") from error
        node.announcement.started(node.process.pid)

    def _end_node(self, node: _Node) -> None:
        threads, node.threads = node.threads, None
        if threads is not None:
            threads.stop()
        if node.process is not None:
            if node.process.poll() is None:
                node.process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
                node.process.wait(timeout=_KILL_SECONDS)
            node.process = None
        if node.announcement is not None:
            node.announcement.withdraw()


def _with_folders(words: tuple[str, ...], place: Place) -> list[str]:
    folders = {"{config}": place.node_config, "{data}": place.node_data}
    found = []
    for word in words:
        for name, folder in folders.items():
            word = word.replace(name, folder)
        found.append(word)
    return found


def _by_hand(node: _Node) -> Iterator[str]:
    """Lines for a shell that start ``node`` after its runner and its data are gone."""
    launch = node.launch
    if isinstance(launch, ThreadLaunch):
        yield f"# {launch.role} ran in the process of the run; by hand:"
    if launch.files:
        yield shlex.join(("mkdir", "-p", node.place.node_data))
    environment = [f"{name}={value}" for name, value in launch.environment.items()]
    command = node.command
    if isinstance(launch, ThreadLaunch):
        command = (sys.executable, *_with_folders(launch.by_hand, node.place))
    yield shlex.join((*(["env", *environment] if environment else []), *command))


def _which(binary: str) -> str | None:
    sbin = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    return shutil.which(binary, path=sbin)
