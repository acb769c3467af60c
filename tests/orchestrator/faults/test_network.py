"""Network faults: what they change, where they can be shown, and how they are proven."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from orchestrator.errors import FaultNotInPlaceError, UnsupportedError
from orchestrator.faults.base import FAULTS
from orchestrator.faults.network import (
    Bandwidth,
    Cut,
    Delay,
    FirewallDrop,
    FirewallReject,
    NetworkFault,
    Silent,
)
from orchestrator.model.state import WireState
from tests.orchestrator.faults.conftest import FORWARD, MOVE, STORE, LoopbackLab, healthy

LINK = ("ct", "archive")
PROVEN: list[NetworkFault] = [FirewallDrop(), FirewallReject(), Silent()]


@pytest.mark.parametrize(
    ("fault", "wire"),
    [
        (FirewallDrop(), WireState(mode="drop")),
        (FirewallDrop(how="filter"), WireState(how="filter", mode="drop")),
        (FirewallDrop(how="disconnect"), WireState(how="disconnect", mode="drop")),
        (FirewallReject(how="filter"), WireState(how="filter", mode="reject")),
        (Silent(), WireState(mode="silent")),
        (Delay(ms=250), WireState(delay_ms=250)),
        (Bandwidth(bytes_per_second=8000), WireState(bytes_per_second=8000)),
        (Cut(after_bytes=70_000), WireState(cut_after_bytes=70_000, cut_with="reset")),
        (Cut(after_bytes=0, cut_with="close"), WireState(cut_after_bytes=0, cut_with="close")),
    ],
)
def test_each_fault_disturbs_the_link_from_source_to_target_and_nothing_else(
    fault: NetworkFault, wire: WireState
) -> None:
    state = healthy(tls=False)
    broken = fault.change(state, STORE)
    assert broken.wires == {LINK: wire}
    assert broken.model_copy(update={"wires": {}}) == state


def test_a_fault_can_disturb_the_way_to_a_move_destination_instead() -> None:
    fault = FirewallDrop(link="destination")
    assert set(fault.change(healthy(tls=False), MOVE).wires) == {("archive", "workstation")}


def test_without_a_destination_its_way_can_not_be_disturbed() -> None:
    with pytest.raises(UnsupportedError, match="moves nothing"):
        Silent(link="destination").change(healthy(tls=False), STORE)


def test_only_docker_can_filter_and_unplug() -> None:
    assert FirewallDrop().unsupported_on("local") is None
    assert Cut(after_bytes=1).unsupported_on("local") is None
    for fault in (FirewallDrop(how="filter"), FirewallDrop(how="disconnect")):
        assert "use how: relay" in str(fault.unsupported_on("local"))
        assert fault.unsupported_on("docker") is None


def test_arguments_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValidationError):
        FirewallReject.model_validate({"how": "disconnect"})
    with pytest.raises(ValidationError):
        Delay(ms=0)
    with pytest.raises(ValidationError):
        Cut(after_bytes=-1)


@pytest.mark.parametrize("name", ["firewall-drop", "firewall-reject", "silent", "delay", "cut"])
def test_scenarios_know_them_by_name(name: str) -> None:
    assert issubclass(FAULTS[name], NetworkFault)


@pytest.mark.parametrize(
    ("fault", "seen"),
    [
        (FirewallDrop(), "as seen by ct: connect: timeout"),
        (FirewallReject(), "as seen by ct: connect: refused"),
        (Silent(), "as seen by ct: associate: timeout"),
    ],
)
def test_a_fault_in_place_is_proven_by_an_echo(
    fault: NetworkFault, seen: str, lab: LoopbackLab
) -> None:
    (line,) = fault.verify(lab.enact(fault.change(lab.state, STORE)), STORE)
    assert line.endswith(seen)


def test_a_fault_between_archives_is_proven_by_the_feeder(lab: LoopbackLab) -> None:
    fault = FirewallReject()
    (line,) = fault.verify(lab.enact(fault.change(lab.state, FORWARD)), FORWARD)
    assert line.endswith("as seen by ct: connect: refused")


def test_a_filter_between_archives_can_not_be_proven_by_anybody_else(lab: LoopbackLab) -> None:
    fault = FirewallDrop(how="filter")
    assert fault.verify(lab.enact(fault.change(lab.state, FORWARD)), FORWARD) == ()


@pytest.mark.parametrize("fault", PROVEN)
def test_a_fault_that_did_not_take_is_found_out(fault: NetworkFault, lab: LoopbackLab) -> None:
    lab.deaf = True
    with pytest.raises(FaultNotInPlaceError, match="but it saw dimse: answered"):
        fault.verify(lab.enact(fault.change(lab.state, STORE)), STORE)


@pytest.mark.parametrize("wrong", PROVEN)
@pytest.mark.parametrize("right", PROVEN)
def test_one_fault_is_not_taken_for_another(
    wrong: NetworkFault, right: NetworkFault, lab: LoopbackLab
) -> None:
    in_place = lab.enact(wrong.change(lab.state, STORE))
    if wrong is right:
        assert right.verify(in_place, STORE)
    else:
        with pytest.raises(FaultNotInPlaceError):
            right.verify(in_place, STORE)
