"""One lab as a compose project."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from orchestrator.backends.base import Launch, PacketFilter, Place
from orchestrator.backends.container_folders import NODE_CONFIG, NODE_DATA, NODE_EXCHANGE
from orchestrator.backends.docker import labels
from orchestrator.backends.docker.compose import ComposeGuard, compose
from orchestrator.backends.docker.composefile import (
    DICOM_NETWORK,
    SECRETS,
    ComposeNode,
    compose_text,
    facts,
    service_name,
)
from orchestrator.backends.docker.engine import DockerEngine, EngineError
from orchestrator.backends.docker.packet_filter import NodeFilters
from orchestrator.backends.docker.remains import remove_lab
from orchestrator.errors import LabError
from orchestrator.model.address import Address

_ANYWHERE: Final = "0.0.0.0"  # noqa: S104  inside the container; published on 127.0.0.1 only
_START_SECONDS: Final = 120.0
#: DCM4CHEE's LDAP server and database, which compose waits for, take a while to fill.
_COMPANION_SECONDS: Final = 300.0
_CONFIG_SECONDS: Final = 30.0
_LONGEST_PROJECT: Final = 48
_TAIL_LINES: Final = 20


@dataclass
class _Node:
    launch: Launch
    container: str = ""
    #: Port inside the container to port on 127.0.0.1; None after a restart changed them.
    published: dict[int, int] | None = None
    #: What containers of this role wrote that were since replaced.
    earlier_log: str = ""


class DockerRunner:
    """A runner that keeps its compose files, configurations and logs in ``folder``.

    Roles reach each other as ``<role>:<port>`` on the ``dicom`` network. A node's data stays in
    its container's own layer: ``Place.data`` is not used on this host.

    Args:
        engine: where the containers run.
        run: the run's id, for the labels.
        lab: unique on this machine.
        folder: the lab's folder in the run's record.
        image_for: the image of a service of compose.yaml that can be used here.
        node_image: the image of the packet filter's sidecar.
    """

    def __init__(
        self,
        engine: DockerEngine,
        run: str,
        lab: str,
        folder: Path,
        *,
        image_for: Callable[[str], str],
        node_image: str,
    ) -> None:
        self.run = run
        self.lab = lab
        self.node_image = node_image
        self._engine = engine
        self._folder = folder.resolve()
        self._image_for = image_for
        self._project = project_name(lab)
        self.network = f"{self._project}_{DICOM_NETWORK}"
        self._places: dict[str, Place] = {}
        self._nodes: dict[str, _Node] = {}
        self._filters = NodeFilters(engine, self)
        self._guard = ComposeGuard(run)
        self._secrets = {name: secrets.token_urlsafe(16) for name in SECRETS}
        self._closed = False
        self._closing = Lock()

    @property
    def filters(self) -> PacketFilter:
        return self._filters

    def reserve(self, role: str, ports: Mapping[str, int]) -> Place:
        """Make the role's folders; names and ports are the lab's own, so nothing can be taken."""
        config = self._folder / "config" / role
        exchange = self._folder / "exchange"
        for folder in (config, exchange, self._folder / "logs"):
            folder.mkdir(parents=True, exist_ok=True)
        place = Place(
            role=role,
            listen={name: Address(_ANYWHERE, port) for name, port in ports.items()},
            peers={name: Address(role, port) for name, port in ports.items()},
            config=config,
            data=self._folder / "data" / role,
            exchange=exchange,
            node_config=NODE_CONFIG,
            node_data=NODE_DATA,
            node_exchange=NODE_EXCHANGE,
        )
        self._places[role] = place
        return place

    def start(self, launches: Sequence[Launch]) -> None:
        """Start nodes that are not running yet, all with one ``docker compose up``."""
        new = [each for each in launches if each.role not in self._nodes]
        if not new:
            return
        for launch in new:
            self._nodes[launch.role] = _Node(launch)
            self._write_files(launch)
        self._up()

    def restart(self, launch: Launch, *, wipe: bool = False) -> None:
        """Kill the container and start it again, or a new one if more than files changed.

        A kill, because Orthanc takes 3.5 s to end on SIGTERM. Published ports change; packet
        filters and a disconnection stay in force.
        """
        role = launch.role
        node = self._nodes[role]
        replace = wipe or _container_part(launch) != _container_part(node.launch)
        node.launch = launch
        if replace:
            node.earlier_log = self.log(role)
            self._remove(role)
            self._write_files(launch)
            self._up()
        else:
            if self.alive(role):
                self._engine.call(self._engine.api.kill, node.container)
            self._write_files(launch)
            self._engine.call(self._engine.api.start, node.container)
            node.published = None
        self._filters.restarted(role)

    def rewrite(self, launch: Launch) -> None:
        """Rewrite the node's files; its container reads them when it is started again."""
        self._nodes[launch.role].launch = launch
        self._write_files(launch)

    def control(self, role: str, port: str) -> Address:
        node = self._started(role)
        if node.published is None:
            self._look_up()
        inside = node.launch.ports[port]
        published = (node.published or {}).get(inside)
        if published is None:
            tail = tuple(self.log(role).splitlines()[-_TAIL_LINES:])
            last = f" Its last words: {tail[-1]}" if tail else ""
            raise LabError(
                f"port {port} ({inside}) of {role} is not published: its container is not"
                f" running.{last}",
                log_tail=tail,
            )
        return Address("127.0.0.1", published)

    def alive(self, role: str) -> bool:
        return self._engine.running(self._started(role).container)

    def log(self, role: str) -> str:
        """What the node's containers wrote; after ``close`` what was kept of it."""
        node = self._nodes.get(role)
        if node is None or self._closed:
            path = self._log_path(role)
            return path.read_text(encoding="utf-8") if path.exists() else ""
        if not node.container:
            return node.earlier_log
        return node.earlier_log + self._engine.log(node.container)

    def container(self, role: str) -> str:
        return self._started(role).container

    def reproduce(self) -> tuple[str, ...]:
        """Compose commands on the lab's resolved file, which needs nothing but this folder."""
        resolved = self._folder / "compose.resolved.yaml"
        text = compose(
            [*self._project_options(), "config"],
            seconds=_CONFIG_SECONDS,
            what="resolve the lab's compose file",
            guard=self._guard,
        )
        resolved.write_text(text, encoding="utf-8")
        command = ["docker", "compose", "--file", str(resolved)]
        ports = [
            [*command, "port", service_name(role), str(inside)]
            for role, node in self._nodes.items()
            for inside in node.launch.ports.values()
        ]
        lines = [[*command, "up", "--detach"], *ports, [*command, "down", "--volumes"]]
        return tuple(shlex.join(line) for line in lines)

    def close(self) -> None:
        """Keep the logs, then remove containers and networks, by label so that none is missed.

        Whoever closes it a second time (an interrupted run closes it from another thread than
        the one that works on it) also removes what the engine had still been asked for.
        """
        self._guard.end()
        with self._closing:
            if not self._closed:
                self._keep_logs()
            self._closed = True
            # Where the engine is gone, the labels let the next run, or `pacslab clean`, finish.
            with suppress(EngineError):
                remove_lab(self._engine, self.lab)

    # --- parts ----------------------------------------------------------------------------

    def _keep_logs(self) -> None:
        for role in tuple(self._nodes):
            # A log that can't be had any more must not keep the lab from being removed.
            with suppress(EngineError, OSError):
                text = self.log(role)
                # Appended: the lab that follows one that failed has the same folder.
                with self._log_path(role).open("a", encoding="utf-8") as file:
                    file.write(text)

    def _started(self, role: str) -> _Node:
        node = self._nodes.get(role)
        if node is None or not node.container:
            raise LabError(f"{role} was not started in lab {self.lab}")
        return node

    def _log_path(self, role: str) -> Path:
        return self._folder / "logs" / f"{role}.log"

    def _write_files(self, launch: Launch) -> None:
        for name, content in launch.files.items():
            # Configurations hold the run's generated password.
            path = self._places[launch.role].config / name
            path.touch(mode=0o600)
            path.write_bytes(content)

    def _project_options(self) -> list[str]:
        """Options that lead compose to the lab's file, which is written anew.

        The project is named although the file names it: an environment variable could override it.
        """
        return ["--project-name", self._project, "--file", str(self._write_compose_file())]

    def _write_compose_file(self) -> Path:
        nodes = [
            ComposeNode(
                role=role,
                service=node.launch.service,
                image=self._image_for(node.launch.service),
                config=self._places[role].config,
                exchange=self._places[role].exchange,
                ports=tuple(node.launch.ports.values()),
                environment=node.launch.environment,
                user=None if self._engine.rootless else _own_user(),
            )
            for role, node in self._nodes.items()
        ]
        path = self._folder / "compose.override.yaml"
        text = compose_text(self._project, nodes, labels.of_lab(self.run, self.lab))
        path.write_text(text, encoding="utf-8")
        return path

    def _up(self) -> None:
        """Start what the compose file names and is not there yet."""
        options = self._project_options()
        slow = any(facts(node.launch.service).companions for node in self._nodes.values())
        compose(
            [*options, "up", "--detach", "--no-recreate", "--pull", "never"],
            seconds=_COMPANION_SECONDS if slow else _START_SECONDS,
            environment={**labels.owner_environment(), **self._secrets},
            guard=self._guard,
            what=f"start the nodes of lab {self.lab} ({', '.join(self._nodes)})",
        )
        self._look_up()

    def _look_up(self) -> None:
        """Learn the containers' ids and published ports, all with one call."""
        for container in self._engine.containers(f"{labels.LAB}={self.lab}", labels.ROLE):
            node = self._nodes.get(container["Labels"][labels.ROLE])
            if node is not None:
                node.container = container["Id"]
                node.published = {
                    port["PrivatePort"]: port["PublicPort"]
                    for port in container["Ports"]
                    if "PublicPort" in port
                }

    def _remove(self, role: str) -> None:
        """Remove a role's container and those that came along with it."""
        node = self._nodes[role]
        wanted = {service_name(role)}
        for companion in facts(node.launch.service).companions:
            wanted.add(service_name(f"{role}-{companion}"))
        doomed = [
            container["Id"]
            for container in self._engine.containers(f"{labels.LAB}={self.lab}")
            if container["Labels"].get("com.docker.compose.service") in wanted
        ]
        if complaints := self._engine.remove_containers(doomed):
            raise LabError(f"the container of {role} could not be replaced: {complaints[0]}")
        node.container, node.published = "", None


def project_name(lab: str) -> str:
    """A compose project name (lower case, digits, ``-`` and ``_``) that is as unique as ``lab``."""
    plain = re.sub(r"[^a-z0-9]+", "-", lab.lower()).strip("-")
    digest = hashlib.sha256(lab.encode()).hexdigest()[:8]
    return f"{plain[:_LONGEST_PROJECT]}-{digest}"


def _container_part(launch: Launch) -> tuple[object, ...]:
    """What a container is made with and can't be changed by a restart."""
    return (launch.service, dict(launch.environment), dict(launch.ports))


def _own_user() -> str | None:
    return f"{os.getuid()}:{os.getgid()}" if hasattr(os, "getuid") else None
