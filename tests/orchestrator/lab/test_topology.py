"""The healthy state of a lab: everybody is called what everybody else believes."""

from __future__ import annotations

import pytest

from dicom.settings import ArchiveSettings, TlsServer
from orchestrator.backends.local import LocalBackend
from orchestrator.lab.topology import FEEDER, Topology, healthy_state, topology_of
from orchestrator.model.modality_settings import ModalitySettings
from orchestrator.model.results import CellId
from orchestrator.model.scenario import Scenario
from orchestrator.model.state import LabState

STACKS = {"archive": "dcm4chee-5.35", "peer": "orthanc-1.12"}


def lab_of(route: dict[str, str]) -> tuple[Topology, LabState]:
    scenario = Scenario.model_validate(
        {
            "name": "a-story",
            "title": "A story",
            "category": "workflow",
            "story": "Nothing happened.",
            "roles": {
                "ct": {"kind": "modality", "aetitle": "CT_ROOM_1"},
                "screen": {"kind": "workstation"},
                "emergency-room-ct": {"kind": "modality"},
                "emergency-room-ct-viewer": {"kind": "workstation"},
                "ris": {"kind": "ris", "aetitle": "HOSPITAL"},
                "archive": {"kind": "archive", "aetitle": "MAIN"},
                "peer": {"kind": "archive"},
            },
            "routes": {"only": route},
            "settings": {"archive": {"tls": {}}},
        }
    )
    ends = scenario.routes["only"]
    bindings = {role: stack for role, stack in STACKS.items() if role in ends.roles}
    cell = CellId(scenario="a-story", route="only", ends=ends, bindings=bindings)
    topology = topology_of(scenario, cell, LocalBackend(), {})
    return topology, healthy_state(scenario, topology)


ROUTES = [
    {"probe": "examination", "from": "ct", "to": "archive", "ris": "ris"},
    {"probe": "move", "from": "screen", "to": "archive", "destination": "screen"},
    {"probe": "forward", "from": "peer", "to": "archive"},
]


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route["probe"])
def test_every_node_is_called_by_its_own_title(route: dict[str, str]) -> None:
    _, state = lab_of(route)
    own = {role: archive.aetitle for role, archive in state.archives.items()}
    own |= {role: modality.aetitle for role, modality in state.modalities.items()}
    assert {link: entry.title for link, entry in state.entries.items()} == {
        (client, server): own[server] for client, server in state.entries
    }
    assert own["archive"] == "MAIN"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route["probe"])
def test_tls_is_opened_to_an_archive_that_expects_it_and_to_nobody_else(
    route: dict[str, str],
) -> None:
    _, state = lab_of(route)
    assert {server for (_, server), entry in state.entries.items() if entry.tls} == {"archive"}


def test_a_modality_of_the_scenario_stores_beforehand_where_the_route_has_none() -> None:
    topology, state = lab_of(ROUTES[2])
    assert topology.feeder == "ct"
    assert state.modalities["ct"].aetitle == "CT_ROOM_1"
    assert FEEDER not in state.modalities


def test_roles_whose_names_begin_alike_have_titles_of_their_own() -> None:
    here, viewer = "emergency-room-ct", "emergency-room-ct-viewer"
    route = {"probe": "move", "from": here, "to": "archive", "destination": viewer}
    topology, _ = lab_of(route)
    assert dict(topology.modalities) == {here: "EMERGENCY_ROOM_C", viewer: "EMERGENCY_ROOM_2"}


def test_settings_are_laid_over_the_nodes_that_are_there_and_null_is_a_setting() -> None:
    _, state = lab_of(ROUTES[0])
    assert state.archives["archive"].model_fields_set == {"aetitle", "tls"}
    changed = state.with_settings(
        {
            "archive": ArchiveSettings(aetitle="NEW", max_pdu_length=None),
            "ct": ModalitySettings(associations=2),
            "peer": ArchiveSettings(),
        }
    )
    archive = changed.archives["archive"]
    assert (archive.aetitle, archive.tls) == ("NEW", TlsServer())
    assert archive.model_fields_set == {"aetitle", "tls", "max_pdu_length"}
    ct = changed.modalities["ct"]
    assert (ct.aetitle, ct.associations) == ("CT_ROOM_1", 2)
    assert changed.archives.keys() == state.archives.keys()
    assert changed.entries == state.entries
