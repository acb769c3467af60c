"""Where nodes run. A backend opens a runner per lab, which starts, restarts and removes its nodes.

Two implementations, ``docker`` and ``local``, that callers can't tell apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from dicom.registry import Registry
from orchestrator.errors import InputError
from orchestrator.model.address import Address


class InProcess(Protocol):
    """A node that runs as threads of this process (local backend)."""

    def stop(self) -> None:
        """Close every socket and end every thread that the node made; idempotent."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How to run one node; what is only this, and of no subclass, runs in a container only.

    Attributes:
        role: the node's.
        ports: a name to the port inside a container; on loopback the runner picks free ones.
        service: the service of compose.yaml that the docker backend runs.
        files: written below the node's configuration folder before each start.
        environment: besides what the node has anyway.
    """

    role: str
    ports: Mapping[str, int]
    service: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProcessLaunch(Launch):
    """A node that the local backend runs as a process.

    ``{config}`` and ``{data}`` in the words of ``command`` stand for the node's folders.
    """

    command: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ThreadLaunch(Launch):
    """A node that the local backend runs as threads of this process.

    Attributes:
        start: starts them.
        by_hand: arguments of the Python interpreter that start the same node as a process; as
            in ``ProcessLaunch.command`` for folders.
    """

    start: Callable[[], InProcess]
    by_hand: tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """What a runner reserved for a role, known before anything starts.

    ``listen`` is where the node itself binds, ``peers`` where other nodes reach it. ``config``,
    ``data`` and ``exchange`` are folders on this host; the ``node_…`` fields name the same
    folders as the node sees them. ``exchange`` is shared by all nodes of the lab (studies,
    certificates).
    """

    role: str
    listen: Mapping[str, Address]
    peers: Mapping[str, Address]
    config: Path
    data: Path
    exchange: Path
    node_config: str
    node_data: str
    node_exchange: str


class PacketFilter(Protocol):
    """What a runner with an engine can do to a node's packets (``NodeRunner.filters``)."""

    def filter_drop(self, role: str, port: int | None = None, from_role: str | None = None) -> None:
        """Discard TCP packets to ``role`` without an answer, as a firewall's DROP does.

        Packets of connections that are already open are discarded too.

        Args:
            role: the node whose packets are filtered.
            port: destination port inside the node, None for all of them.
            from_role: only packets of this node, None for everybody's.

        Raises:
            LabError: a node is not running or not connected, or the rules were refused.
        """

    def filter_reject(
        self, role: str, port: int | None = None, from_role: str | None = None
    ) -> None:
        """Answer TCP packets to ``role`` with a reset, as a firewall's REJECT may do.

        Arguments and errors as in ``filter_drop``.
        """

    def filter_clear(self, role: str) -> None:
        """Remove all filters of ``role``; idempotent."""

    def filter_rules(self, role: str) -> tuple[str, ...]:
        """The rules in force, read back from the node's network namespace, in nft's words.

        Each has a packet counter, which proves that the rule met packets.
        """

    def disconnect(self, role: str) -> None:
        """Take ``role`` off the ``dicom`` network, as a pulled cable does; idempotent."""

    def reconnect(self, role: str) -> None:
        """Put ``role`` back onto the ``dicom`` network under its name; idempotent."""

    def connected(self, role: str) -> bool:
        """Whether the engine says that ``role`` is on the ``dicom`` network."""


class NodeRunner(Protocol):
    """Runs the nodes of one lab: its place on a backend."""

    @property
    def filters(self) -> PacketFilter | None:
        """Packet filters and cables; None where nodes have no network of their own."""

    def reserve(self, role: str, ports: Mapping[str, int]) -> Place:
        """Reserve names, folders and ports for ``role``; ``ports`` as in ``Launch``."""

    def start(self, launches: Sequence[Launch]) -> None:
        """Start nodes that are not running yet, together.

        Raises:
            LabError: a node could not be started; what its log says is in the error.
        """

    def restart(self, launch: Launch, *, wipe: bool = False) -> None:
        """End the node at once, rewrite its files, optionally empty its data, start it again."""

    def rewrite(self, launch: Launch) -> None:
        """Rewrite a running node's files without a restart: they hold from its next start on."""

    def control(self, role: str, port: str) -> Address:
        """Where this host reaches the named port of a started node (always on 127.0.0.1)."""

    def alive(self, role: str) -> bool:
        """Whether the node's process or container is running."""

    def log(self, role: str) -> str:
        """Everything that the node wrote to its standard streams, oldest first."""

    def reproduce(self) -> tuple[str, ...]:
        """Lines for a shell that start this lab again by hand, in order; some are comments."""

    def close(self) -> None:
        """Remove everything that it made except the run folder; idempotent, never raises."""


class Backend(Protocol):
    """A way to run nodes on this machine."""

    name: str
    shares_labs: bool
    """Whether starting nodes costs so much that cells with the same nodes share a lab."""

    def unavailable(self) -> str | None:
        """Why this machine can't use the backend, with what to do; None when it can."""

    def has(self, service: str, binary: str | None) -> str | None:
        """Whether a vendor's product is here: its image or binary as text, None when missing."""

    def open(self, run: str, lab: str, folder: Path) -> NodeRunner:
        """A runner for ``lab`` (unique on this machine) of ``run``, keeping files in ``folder``."""


BACKENDS: Registry[Backend] = Registry("backend", "orchestrator.backends", InputError)
