"""A runner with one node that runs already, and a backend that only knows what is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.backends.base import Launch, NodeRunner, Place
from orchestrator.model.address import Address


@dataclass
class OneNodeRunner:
    """A runner whose only node is the fake archive."""

    url: str
    running: bool = True
    started: list[Launch] = field(default_factory=list)

    @property
    def filters(self) -> None:
        return None

    def reserve(self, role: str, ports: Mapping[str, int]) -> Place:
        raise AssertionError("reserved already")

    def start(self, launches: Sequence[Launch]) -> None:
        self.started += launches

    def restart(self, launch: Launch, *, wipe: bool = False) -> None:
        raise AssertionError("DCM4CHEE stays warm")

    def rewrite(self, launch: Launch) -> None:
        raise AssertionError("DCM4CHEE keeps its configuration itself")

    def control(self, role: str, port: str) -> Address:
        parts = urlsplit(self.url)
        assert (role, port) == ("archive", "web")
        return Address(str(parts.hostname), int(parts.port or 0))

    def alive(self, role: str) -> bool:
        return self.running

    def log(self, role: str) -> str:
        return "WFLYSRV0025: started\nERROR no datasource"

    def reproduce(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        self.running = False


@dataclass
class HasImages:
    """A backend that has these images."""

    name: str
    images: frozenset[str] = frozenset()
    shares_labs: bool = True

    def unavailable(self) -> str | None:
        return None

    def has(self, service: str, binary: str | None) -> str | None:
        return service if service in self.images else None

    def open(self, run: str, lab: str, folder: Path) -> NodeRunner:
        raise AssertionError("not opened")
