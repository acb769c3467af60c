"""compose.yaml as the lab reads it, and the file that a lab's nodes are started from. Pure text.

A role becomes the service ``node-<role>`` that extends a service of compose.yaml. It is reached as
``<role>``: an alias that it has on the ``dicom`` network only, because a service's own name would
also be found on the network through which its ports are published.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import Field

from dicom.frozen import Frozen
from dicom.registry import unknown_word
from orchestrator.backends.container_folders import NODE_CONFIG, NODE_EXCHANGE
from orchestrator.backends.docker.image_inputs import ROOT

COMPOSE_FILE: Final = ROOT / "compose.yaml"
DICOM_NETWORK: Final = "dicom"
MANAGEMENT_NETWORK: Final = "management"
ROLE_LABEL: Final = "org.pacslab.role"
#: Passwords in compose.yaml that a run makes for itself; by hand they have the default there.
SECRETS: Final = ("PACSLAB_DCM4CHEE_DB_PASSWORD",)
_VARIABLE: Final = re.compile(r"\$\{(\w+):-([^}]*)\}")


class Companion(Frozen):
    """A service that a role brings along: DCM4CHEE's LDAP server and database."""

    service: str
    environment: dict[str, str] = Field(default_factory=dict)


class ServiceFacts(Frozen):
    """``x-pacslab`` of a service: what compose itself has no word for.

    ``config_also`` is where the product looks for its configuration: the role's folder is mounted
    there too. ``local_image`` stands in for a published image that is not here. ``command`` and
    ``environment`` replace the service's own when it becomes a role; ``{role}`` stands for the
    role, a companion's name for its host name. ``user: owner`` runs the node under the user who
    started the lab, so that what it writes into the exchange folder can be removed again.
    """

    config_also: str | None = None
    local_image: str | None = None
    companions: dict[str, Companion] = Field(default_factory=dict)
    command: tuple[str, ...] = ()
    environment: dict[str, str] = Field(default_factory=dict)
    user: str | None = None


@dataclass(frozen=True)
class ComposeNode:
    """One role as the generated file needs it. ``config`` and ``exchange`` are host folders."""

    role: str
    service: str
    image: str
    config: Path
    exchange: Path
    ports: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None


def service_name(role: str) -> str:
    """The service (and so the container's name) of a role in the generated file."""
    return f"node-{role}"


def facts(service: str) -> ServiceFacts:
    """What compose.yaml says about a service beyond compose's own words.

    Raises:
        ValueError: there is no such service.
    """
    return ServiceFacts.model_validate(_service(service).get("x-pacslab", {}))


def image_of(service: str) -> str:
    """The image that compose would use for a service, going by this process's environment."""
    return _VARIABLE.sub(
        lambda found: os.environ.get(found[1]) or found[2], str(_service(service)["image"])
    )


def images_of(service: str) -> tuple[str, ...]:
    """A service's image and those of the services that come along."""
    companions = facts(service).companions.values()
    return (image_of(service), *(image_of(each.service) for each in companions))


def published_images() -> dict[str, str]:
    """The services whose image is a vendor's published one, and its pinned reference."""
    return {
        name: image_of(name)
        for name in _compose()["services"]
        if not image_of(name).startswith("pacslab/")
    }


def compose_text(project: str, nodes: Sequence[ComposeNode], labels: Mapping[str, str]) -> str:
    """The compose file of one lab.

    Args:
        project: compose's project name.
        nodes: the roles.
        labels: put on every container and network; values may hold ``${VARIABLES}``.
    """
    services: dict[str, Any] = {}
    for node in nodes:
        services.update(_services(node, labels))
    networks = {
        name: {**(settings or {}), "labels": dict(labels)}
        for name, settings in _compose()["networks"].items()
    }
    document = {"name": project, "services": services, "networks": networks}
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=100)


def _services(node: ComposeNode, labels: Mapping[str, str]) -> dict[str, Any]:
    known = facts(node.service)
    hosts = {name: f"{node.role}-{name}" for name in known.companions}
    configs = [NODE_CONFIG, *([known.config_also] if known.config_also else [])]
    words = {"role": node.role, **hosts}
    service: dict[str, Any] = {
        "extends": {"file": str(COMPOSE_FILE), "service": node.service},
        "image": node.image,
        "profiles": _Tagged("!reset", []),
        "networks": {DICOM_NETWORK: {"aliases": [node.role]}, MANAGEMENT_NETWORK: {}},
        "ports": _Tagged("!override", [f"127.0.0.1::{port}" for port in node.ports]),
        "environment": {
            **{name: value.format(**words) for name, value in known.environment.items()},
            **{name: _literal(value) for name, value in node.environment.items()},
        },
        "volumes": [
            *(_bind(node.config, folder, read_only=True) for folder in configs),
            _bind(node.exchange, NODE_EXCHANGE, read_only=False),
        ],
        "labels": {**labels, ROLE_LABEL: node.role},
    }
    if known.command:
        service["command"] = [word.format(**words) for word in known.command]
    if known.user == "owner" and node.user is not None:
        service["user"] = node.user
    if not known.companions:
        # The run asks the node itself whether it is ready; a check every 300 ms costs as much
        # processor time as the node.
        service["healthcheck"] = _Tagged("!override", {"disable": True})
        return {service_name(node.role): service}
    service["depends_on"] = _Tagged(
        "!override",
        {service_name(host): {"condition": "service_healthy"} for host in hosts.values()},
    )
    companions = {
        service_name(hosts[name]): {
            "extends": {"file": str(COMPOSE_FILE), "service": companion.service},
            "profiles": _Tagged("!reset", []),
            "networks": {DICOM_NETWORK: {"aliases": [hosts[name]]}},
            "environment": {
                key: value.format(**words) for key, value in companion.environment.items()
            },
            "labels": dict(labels),
        }
        for name, companion in known.companions.items()
    }
    return {service_name(node.role): service, **companions}


def _bind(source: Path, target: str, *, read_only: bool) -> dict[str, Any]:
    return {
        "type": "bind",
        "source": _literal(str(source)),
        "target": target,
        "read_only": read_only,
    }


def _literal(value: str) -> str:
    """``value`` such that compose does not take a dollar sign in it for a variable."""
    return value.replace("$", "$$")


@cache
def _compose() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))
    return loaded


def _service(name: str) -> Mapping[str, Any]:
    services: Mapping[str, Mapping[str, Any]] = _compose()["services"]
    if name not in services:
        raise ValueError(unknown_word("service of compose.yaml", name, tuple(services)))
    return services[name]


@dataclass(frozen=True)
class _Tagged:
    """A value that replaces (``!override``) or removes (``!reset``) what is extended."""

    tag: str
    value: list[Any] | dict[str, Any]


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, and with compose's tags."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _represent(dumper: yaml.SafeDumper, tagged: _Tagged) -> yaml.Node:
    if isinstance(tagged.value, list):
        return dumper.represent_sequence(tagged.tag, tagged.value)
    return dumper.represent_mapping(tagged.tag, tagged.value)


_Dumper.add_representer(_Tagged, _represent)
