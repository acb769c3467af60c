from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.backends.docker.compose import compose
from orchestrator.backends.docker.composefile import (
    COMPOSE_FILE,
    ComposeNode,
    compose_text,
    facts,
    image_of,
    images_of,
    published_images,
)
from orchestrator.backends.docker.engine import DockerEngine

LABELS = {"org.pacslab.lab": "lab-1"}


class _Loader(yaml.SafeLoader):
    """Reads compose's tags as the values that they mark."""


def _plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _plain)


def node(role: str, service: str, **changes: Any) -> ComposeNode:
    values: dict[str, Any] = {
        "role": role,
        "service": service,
        "image": f"image-of/{service}",
        "config": Path("/runs/1/config") / role,
        "exchange": Path("/runs/1/exchange"),
        "ports": (4242, 8042),
    }
    return ComposeNode(**{**values, **changes})


def generated(*nodes: ComposeNode) -> dict[str, Any]:
    text = compose_text("project", nodes, LABELS)
    document: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506  derived from SafeLoader
    return document


def by_hand() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return document


def test_a_role_is_reached_by_its_name_on_the_dicom_network_only() -> None:
    service = generated(node("archive", "orthanc"))["services"]["node-archive"]
    assert service["networks"] == {"dicom": {"aliases": ["archive"]}, "management": {}}
    # A host name would be found on the management network too.
    assert "hostname" not in service


def test_a_role_extends_the_service_of_the_compose_file() -> None:
    service = generated(node("archive", "orthanc"))["services"]["node-archive"]
    assert service["extends"] == {"file": str(COMPOSE_FILE), "service": "orthanc"}
    assert service["image"] == "image-of/orthanc"


def test_ports_are_published_on_loopback_under_numbers_that_the_engine_picks() -> None:
    run = generated(node("archive", "orthanc"), node("ct", "modality", ports=(8104,)))
    services = [*run["services"].values(), *by_hand()["services"].values()]
    ports = [port for service in services for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1::") for port in ports)


def test_nothing_in_the_compose_file_is_fixed_that_two_labs_would_fight_over() -> None:
    document = by_hand()
    assert not [name for name, each in document["services"].items() if "container_name" in each]
    assert not [name for name, each in document["networks"].items() if each and "ipam" in each]


def test_the_dicom_network_is_internal_and_the_management_network_leads_nowhere() -> None:
    for document in (by_hand(), generated(node("archive", "orthanc"))):
        networks = document["networks"]
        assert networks["dicom"]["internal"] is True
        options = networks["management"]["driver_opts"]
        assert options["com.docker.network.bridge.enable_ip_masquerade"] == "false"


@pytest.mark.parametrize("service", ["orthanc", "dcm4chee", "modality", "profile", "relay"])
def test_nagle_is_off_in_every_node(service: str) -> None:
    assert by_hand()["services"][service]["environment"]["TCP_NODELAY"] == "1"


def test_the_configuration_is_mounted_where_orthanc_looks_for_it() -> None:
    volumes = generated(node("archive", "orthanc"))["services"]["node-archive"]["volumes"]
    mounts = {each["target"]: (each["source"], each["read_only"]) for each in volumes}
    assert mounts == {
        "/lab/config": ("/runs/1/config/archive", True),
        "/etc/orthanc": ("/runs/1/config/archive", True),
        "/lab/exchange": ("/runs/1/exchange", False),
    }


def test_every_dcm4chee_role_brings_its_own_directory_and_database() -> None:
    services = generated(node("archive", "dcm4chee"), node("peer", "dcm4chee"))["services"]
    assert set(services) == {
        *(f"node-{role}{part}" for role in ("archive", "peer") for part in ("", "-ldap", "-db"))
    }
    peer = services["node-peer"]
    assert peer["environment"]["LDAP_URL"] == "ldap://peer-ldap:389"
    assert peer["environment"]["POSTGRES_HOST"] == "peer-db"
    assert peer["environment"]["WILDFLY_WAIT_FOR"] == "peer-ldap:389 peer-db:5432"
    assert peer["depends_on"] == {
        "node-peer-ldap": {"condition": "service_healthy"},
        "node-peer-db": {"condition": "service_healthy"},
    }
    ldap = services["node-peer-ldap"]
    assert ldap["environment"]["ARCHIVE_HOST"] == "peer"
    assert ldap["networks"] == {"dicom": {"aliases": ["peer-ldap"]}}
    assert ldap["labels"] == LABELS


def test_a_dollar_sign_in_a_value_stays_a_dollar_sign() -> None:
    service = generated(node("archive", "orthanc", environment={"LAB_TEST": "a$b"}))["services"]
    assert service["node-archive"]["environment"]["LAB_TEST"] == "a$$b"


def test_our_own_nodes_run_as_the_user_who_started_the_lab_and_vendors_do_not() -> None:
    run = generated(
        node("ct", "modality", user="1000:1000"), node("archive", "orthanc", user="1000:1000")
    )
    assert run["services"]["node-ct"]["user"] == "1000:1000"
    assert "user" not in run["services"]["node-archive"]


def test_a_modality_is_told_its_role() -> None:
    command = generated(node("ct", "modality"))["services"]["node-ct"]["command"]
    assert command[command.index("--name") + 1] == "ct"


def test_labels_are_on_networks_and_containers_and_name_the_role() -> None:
    run = generated(node("archive", "orthanc"))
    assert run["networks"]["dicom"]["labels"] == LABELS
    assert run["services"]["node-archive"]["labels"] == {
        **LABELS,
        "org.pacslab.role": "archive",
    }


def test_an_image_can_be_chosen_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PACSLAB_ORTHANC_IMAGE", raising=False)
    pinned = image_of("orthanc")
    monkeypatch.setenv("PACSLAB_ORTHANC_IMAGE", "orthancteam/orthanc:26.4.2")
    assert image_of("orthanc") == "orthancteam/orthanc:26.4.2" != pinned


def test_the_published_images_are_pinned_and_dcm4chee_needs_a_set_of_three() -> None:
    published = published_images()
    assert set(published) == {"orthanc", "dcm4chee", "dcm4chee-ldap", "dcm4chee-db"}
    assert all(":" in reference for reference in published.values())
    assert not any(reference.endswith(":latest") for reference in published.values())
    assert set(images_of("dcm4chee")) == set(published.values()) - {published["orthanc"]}


def test_an_unknown_service_is_answered_with_the_nearest_right_word() -> None:
    with pytest.raises(ValueError, match="did you mean 'orthanc'"):
        facts("orthank")


@pytest.fixture
def resolved(engine: DockerEngine, tmp_path: Path) -> dict[str, Any]:
    """What compose itself makes of a lab with one role of every service."""
    roles = ("orthanc", "dcm4chee", "modality", "workstation", "profile", "relay")
    file = tmp_path / "compose.override.yaml"
    nodes = [node(f"a-{service}", service) for service in roles]
    file.write_text(compose_text("project", nodes, LABELS), encoding="utf-8")
    text = compose(
        ["--file", str(file), "config", "--format", "json"], seconds=60, what="read the file"
    )
    document: dict[str, Any] = json.loads(text)
    return document


@pytest.mark.docker
def test_compose_takes_the_generated_ports_instead_of_those_that_it_extends(
    resolved: dict[str, Any],
) -> None:
    for name, service in resolved["services"].items():
        if not name.endswith(("-ldap", "-db")):
            assert [port["target"] for port in service["ports"]] == [4242, 8042]
            assert {port["host_ip"] for port in service["ports"]} == {"127.0.0.1"}
            assert not [port for port in service["ports"] if "published" in port]


@pytest.mark.docker
def test_compose_sees_no_profile_and_nothing_of_the_lab_by_hand(resolved: dict[str, Any]) -> None:
    assert not [name for name, each in resolved["services"].items() if each.get("profiles")]
    assert "volumes" not in resolved
    waits = {name: set(each.get("depends_on", ())) for name, each in resolved["services"].items()}
    assert {name: deps for name, deps in waits.items() if deps} == {
        "node-a-dcm4chee": {"node-a-dcm4chee-ldap", "node-a-dcm4chee-db"}
    }


@pytest.mark.docker
def test_compose_checks_health_only_where_it_waits_for_it(resolved: dict[str, Any]) -> None:
    checked = {
        name
        for name, each in resolved["services"].items()
        if not each["healthcheck"].get("disable")
    }
    assert checked == {f"node-a-dcm4chee{part}" for part in ("", "-ldap", "-db")}
