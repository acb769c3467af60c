"""Modalities, what they send, and who they talk to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from dicom.association.ends import Caller, Timeouts
from modalities.generation import WrittenFile, write_study
from modalities.nodes.node import ModalityNode
from tests.modalities.peers import Orthanc, ScriptedPeers, StoreScp, running_storescp
from tests.peers import LOOPBACK, PATIENCE, release_ports, running_orthanc
from tests.spreading import Spreading

# What a busy machine does slowly is right all the same.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> Spreading:
    """Keep together what shares something costly."""
    return Spreading(config, log)


@pytest.fixture(scope="session", autouse=True)
def _reservations() -> Iterator[None]:
    yield
    release_ports()


@pytest.fixture
def peers() -> Iterator[ScriptedPeers]:
    scripted = ScriptedPeers()
    yield scripted
    scripted.stop()


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Assert a condition that another thread is about to make true."""

    def check(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.005)
        assert condition()

    return check


@pytest.fixture
def caller() -> Caller:
    """A CT that waits for a busy machine."""
    return Caller(
        calling="CT",
        timeouts=Timeouts(connect=PATIENCE, acse=PATIENCE, dimse=PATIENCE, network=PATIENCE),
    )


@pytest.fixture
def node(tmp_path: Path) -> Iterator[ModalityNode]:
    modality = ModalityNode("ct", tmp_path)
    yield modality
    modality.stop()


@pytest.fixture
def study(tmp_path: Path) -> list[WrittenFile]:
    return write_study(tmp_path, "CT", images=3, rows=64, columns=64)


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """The real archive, checking called titles, with one known modality that may query."""
    configuration = {
        "DicomAet": "ORTHANC",
        "DicomCheckCalledAet": True,
        "DicomModalities": {"ct": ["CT", LOOPBACK, 1]},
        "DicomModalitiesInDatabase": False,
    }
    with running_orthanc(tmp_path_factory.mktemp("orthanc"), configuration) as running:
        yield Orthanc(running.dicom.port, running.url)


@pytest.fixture
def storescp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreScp]:
    """DCMTK's storage SCP, one association at a time."""
    with running_storescp(tmp_path_factory.mktemp("storescp")) as scp:
        yield scp
