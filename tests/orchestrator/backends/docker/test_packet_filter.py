from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.backends.base import PacketFilter
from orchestrator.backends.docker.engine import DockerEngine
from orchestrator.backends.docker.packet_filter import script
from orchestrator.backends.docker.runner import DockerRunner
from orchestrator.errors import LabError
from tests.orchestrator.backends.docker.nodes import PORTS, ask, await_orthanc, connect, orthanc

DICOM = PORTS["dicom"]


@pytest.fixture
def filters(two_archives: DockerRunner) -> Iterator[PacketFilter]:
    yield two_archives.filters
    for role in ("archive", "peer"):
        two_archives.filters.reconnect(role)
        two_archives.filters.filter_clear(role)


def test_no_rules_remove_the_table_even_where_there_was_none() -> None:
    assert script(()) == "add table inet pacslab; delete table inet pacslab"


def test_rules_replace_the_earlier_ones_in_one_transaction() -> None:
    commands = script(("tcp dport 1 drop", "tcp dport 2 drop")).split("; ")
    assert commands.index("delete table inet pacslab") < commands.index("add table inet pacslab", 1)
    assert commands[-2:] == [
        "add rule inet pacslab input tcp dport 1 drop",
        "add rule inet pacslab input tcp dport 2 drop",
    ]


@pytest.mark.docker
def test_a_dropped_port_is_silence_and_the_web_port_still_answers(
    engine: DockerEngine, two_archives: DockerRunner, filters: PacketFilter
) -> None:
    filters.filter_drop("archive", DICOM)
    assert connect(engine, two_archives, "peer", "archive", DICOM) == "silence"
    assert connect(engine, two_archives, "peer", "archive", PORTS["web"]) == "open"
    assert "Version" in ask(two_archives, "archive", "/system")
    filters.filter_clear("archive")
    assert connect(engine, two_archives, "peer", "archive", DICOM) == "open"
    assert filters.filter_rules("archive") == ()


@pytest.mark.docker
def test_a_rejected_port_is_refused(
    engine: DockerEngine, two_archives: DockerRunner, filters: PacketFilter
) -> None:
    filters.filter_reject("archive", None)
    assert connect(engine, two_archives, "peer", "archive", DICOM) == "refused"
    assert connect(engine, two_archives, "peer", "archive", PORTS["web"]) == "refused"
    assert "Version" in ask(two_archives, "archive", "/system")


@pytest.mark.docker
def test_the_rules_are_read_back_with_what_they_met(
    engine: DockerEngine, two_archives: DockerRunner, filters: PacketFilter
) -> None:
    filters.filter_drop("archive", DICOM)
    connect(engine, two_archives, "peer", "archive", DICOM)
    (rule,) = filters.filter_rules("archive")
    assert f"tcp dport {DICOM}" in rule
    assert rule.endswith("drop")
    assert "packets 0 " not in rule


@pytest.mark.docker
def test_a_filter_for_one_client_leaves_the_others_alone(
    engine: DockerEngine, two_archives: DockerRunner, filters: PacketFilter
) -> None:
    filters.filter_reject("archive", DICOM, from_role="peer")
    assert connect(engine, two_archives, "peer", "archive", DICOM) == "refused"
    assert connect(engine, two_archives, "archive", "archive", DICOM) == "open"


@pytest.mark.docker
@pytest.mark.parametrize("restarted", ["archive", "peer"])
def test_a_filter_outlives_a_restart_of_either_side(
    engine: DockerEngine, two_archives: DockerRunner, filters: PacketFilter, restarted: str
) -> None:
    filters.filter_reject("archive", DICOM, from_role="peer")
    two_archives.restart(orthanc(two_archives, restarted), wipe=True)
    await_orthanc(two_archives, "archive")
    assert connect(engine, two_archives, "peer", "archive", DICOM) == "refused"


@pytest.mark.docker
def test_a_pulled_cable_takes_a_node_off_the_network_but_not_from_this_host(
    engine: DockerEngine, two_archives: DockerRunner, filters: PacketFilter
) -> None:
    filters.disconnect("archive")
    filters.disconnect("archive")
    assert not filters.connected("archive")
    assert connect(engine, two_archives, "peer", "archive", DICOM) not in ("open", "refused")
    assert "Version" in ask(two_archives, "archive", "/system")

    filters.reconnect("archive")
    assert filters.connected("archive")
    assert connect(engine, two_archives, "peer", "archive", DICOM) == "open"


@pytest.mark.docker
def test_a_disconnected_node_stays_so_when_it_is_replaced(
    two_archives: DockerRunner, filters: PacketFilter
) -> None:
    filters.disconnect("archive")
    two_archives.restart(orthanc(two_archives, "archive"), wipe=True)
    assert not filters.connected("archive")
    await_orthanc(two_archives, "archive")


@pytest.mark.docker
def test_the_packets_of_a_node_without_an_address_cannot_be_filtered(
    filters: PacketFilter,
) -> None:
    filters.disconnect("peer")
    with pytest.raises(LabError, match="peer"):
        filters.filter_drop("archive", DICOM, from_role="peer")
