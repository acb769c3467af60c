"""Every scenario in containers, on Orthanc 1.12 from its image, and its profile against it."""

from __future__ import annotations

import pytest

from orchestrator.backends.docker.backend import DockerBackend
from orchestrator.model.results import RunResult
from tests.whole_runs import drifted, not_as_declared, orthanc_editions, orthanc_version, run_all

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def product(backend: DockerBackend, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """All scenarios on the Orthanc image and the DCM4CHEE profile, each in a container."""
    del backend  # asked for so that a missing engine or image is told in the usual way
    return run_all(tmp_path_factory.mktemp("product"), "orthanc", "dcm4chee", backend="docker")


def test_every_scenario_is_as_declared_in_containers(product: RunResult) -> None:
    assert not_as_declared(product) == []
    assert orthanc_editions(product) == {"container"}


def test_packet_filters_and_pulled_cables_are_among_them(product: RunResult) -> None:
    variants = {cell.cell.variant for cell in product.cells if cell.phases}
    assert {"on-the-host", "unplugged"} <= variants


def test_the_profile_answers_as_the_container_does(
    product: RunResult, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert orthanc_version(product).startswith("1.12."), "the profile follows 1.12"
    twin = run_all(tmp_path_factory.mktemp("twin"), "orthanc-1.12", "dcm4chee")
    assert drifted(product, twin, "orthanc-1.12") == []
