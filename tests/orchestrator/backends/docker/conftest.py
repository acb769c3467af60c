"""Real containers. Without an engine these tests are skipped, except in CI, where they fail."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator.backends.docker import images
from orchestrator.backends.docker.backend import DockerBackend
from orchestrator.backends.docker.engine import DockerEngine
from orchestrator.backends.docker.runner import DockerRunner
from tests.orchestrator.backends.docker.nodes import await_orthanc, orthanc
from tests.peers import missing


@pytest.fixture(scope="session")
def engine() -> DockerEngine:
    """The engine of this machine, with the lab's images."""
    found = DockerEngine()
    if (why := found.unreachable()) is not None:
        missing(f"no docker backend here: {why}")
    images.build(pull=False, progress=lambda _: None)
    if (why := DockerBackend(found).unavailable()) is not None:
        missing(f"no docker backend here: {why}")
    return found


@pytest.fixture(scope="session")
def backend(engine: DockerEngine) -> DockerBackend:
    return DockerBackend(engine)


@pytest.fixture
def open_runner(backend: DockerBackend, tmp_path: Path) -> Iterator[Callable[[], DockerRunner]]:
    """Opens runners with names of their own and removes what they made."""
    opened: list[DockerRunner] = []

    def open_one() -> DockerRunner:
        name = f"test-{secrets.token_hex(4)}"
        runner = backend.open("test-run", name, tmp_path / name)
        opened.append(runner)
        return runner

    yield open_one
    for runner in opened:
        runner.close()


@pytest.fixture(scope="module")
def two_archives(
    backend: DockerBackend, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DockerRunner]:
    """A lab with the archives ``archive`` and ``peer``, whose tests put back what they change."""
    name = f"test-{secrets.token_hex(4)}"
    runner = backend.open("test-run", name, tmp_path_factory.mktemp(name))
    try:
        runner.start([orthanc(runner, "archive"), orthanc(runner, "peer")])
        await_orthanc(runner, "archive")
        await_orthanc(runner, "peer")
        yield runner
    finally:
        runner.close()
