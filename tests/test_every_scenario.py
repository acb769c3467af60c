"""Every scenario on every stack that runs without containers, and profiles against the product.

The scenarios declare what each vendor does. Here all of them are lived through: on the real
Orthanc of this host and on the profile that follows it. A profile that answers otherwise than the
product has drifted.
"""

from __future__ import annotations

import pytest

from orchestrator.model.results import RunResult, Verdict
from tests.peers import tool
from tests.whole_runs import drifted, not_as_declared, orthanc_editions, orthanc_version, run_all

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """All scenarios on the real Orthanc and the DCM4CHEE profile."""
    tool("Orthanc")
    return run_all(tmp_path_factory.mktemp("product"), "orthanc", "dcm4chee")


@pytest.fixture(scope="module")
def profile(product: RunResult) -> str:
    """The profile that follows this Orthanc's version."""
    return "orthanc-1.10" if orthanc_version(product).startswith("1.10.") else "orthanc-1.12"


@pytest.fixture(scope="module")
def twin(profile: str, tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """The same with the profile in the product's place."""
    return run_all(tmp_path_factory.mktemp("twin"), profile, "dcm4chee")


def test_every_scenario_is_as_declared_on_the_real_orthanc(product: RunResult) -> None:
    assert not_as_declared(product) == []


def test_the_real_product_answered_where_it_is_said_to(product: RunResult) -> None:
    assert orthanc_editions(product) == {"process"}


def test_every_healthy_route_delivers(product: RunResult) -> None:
    healthy = [cell for cell in product.cells if cell.cell.scenario == "healthy"]
    assert {cell.cell.route for cell in healthy} >= {
        "echo",
        "store",
        "query",
        "retrieve",
        "forward",
    }
    assert {cell.verdict for cell in healthy} == {Verdict.PASS}


def test_every_fault_is_proven_in_place_and_repaired(product: RunResult) -> None:
    for cell in product.cells:
        fault, fix = cell.phase("fault"), cell.phase("fix")
        if cell.verdict is Verdict.PASS and fault is not None:
            assert fault.changes, f"{cell.cell.slug} does not say what was broken"
            assert fix is not None
            assert fix.observation.outcome.succeeded, cell.cell.slug


def test_every_scenario_is_as_declared_on_the_profile(twin: RunResult) -> None:
    assert not_as_declared(twin) == []


def test_the_profile_answers_as_the_product_does(
    product: RunResult, twin: RunResult, profile: str
) -> None:
    assert drifted(product, twin, profile) == []
