"""Packet filters in a node's network namespace, and cables that are pulled.

The sidecar is a container of the node image that shares the node's network namespace and is the
only one with NET_ADMIN; it ends as soon as the rules are set (about 0.2 s), so the vendor's image
and the node itself stay untouched. Rules match what arrives at the node's address on the ``dicom``
network: the ports published to this host go through another network and stay reachable.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from orchestrator.backends.docker import labels
from orchestrator.backends.docker.engine import DockerEngine
from orchestrator.errors import LabError

_TABLE: Final = "pacslab"
_RULE: Final = re.compile(r"^\s*(ip (?:s|d)addr .+?)\s*$", re.MULTILINE)
_SIDECAR_SECONDS: Final = 20


class Containers(Protocol):
    """Where the filter finds a lab's nodes."""

    run: str
    lab: str
    network: str
    """The engine's name of the ``dicom`` network."""
    node_image: str

    def container(self, role: str) -> str:
        """The id of a started node's container."""


@dataclass(frozen=True)
class _Rule:
    action: Literal["drop", "reject"]
    port: int | None
    from_role: str | None


class NodeFilters:
    """The ``PacketFilter`` of one lab. Remembers what is in force: a restart would lose it."""

    def __init__(self, engine: DockerEngine, containers: Containers) -> None:
        self._engine = engine
        self._containers = containers
        self._rules: defaultdict[str, list[_Rule]] = defaultdict(list)
        self._off: set[str] = set()

    def filter_drop(self, role: str, port: int | None = None, from_role: str | None = None) -> None:
        self._add(role, _Rule("drop", port, from_role))

    def filter_reject(
        self, role: str, port: int | None = None, from_role: str | None = None
    ) -> None:
        self._add(role, _Rule("reject", port, from_role))

    def filter_clear(self, role: str) -> None:
        if self._rules.pop(role, None):
            self._enforce(role)

    def filter_rules(self, role: str) -> tuple[str, ...]:
        return tuple(_RULE.findall(self._nft(role, "list ruleset inet")))

    def disconnect(self, role: str) -> None:
        self._off.add(role)
        if self.connected(role):
            self._engine.call(
                self._engine.api.disconnect_container_from_network,
                self._containers.container(role),
                self._containers.network,
            )

    def reconnect(self, role: str) -> None:
        self._off.discard(role)
        if not self.connected(role):
            self._engine.call(
                self._engine.api.connect_container_to_network,
                self._containers.container(role),
                self._containers.network,
                aliases=[role],
            )
            # Its address may be another one now.
            self._enforce_after_change(role)

    def connected(self, role: str) -> bool:
        return self._membership(role) is not None

    def restarted(self, role: str) -> None:
        """Put in force again what a restart of ``role`` undid: namespace and address are new."""
        if role in self._off:
            self.disconnect(role)
        self._enforce_after_change(role)

    def _add(self, role: str, rule: _Rule) -> None:
        if rule not in self._rules[role]:
            self._rules[role].append(rule)
            self._enforce(role)

    def _enforce_after_change(self, role: str) -> None:
        for filtered, rules in self._rules.items():
            if filtered == role or any(rule.from_role == role for rule in rules):
                self._enforce(filtered)

    def _enforce(self, role: str) -> None:
        rules = self._rules.get(role, [])
        subnet = self._subnet() if rules else ""
        self._nft(role, script(tuple(self._text(rule, subnet) for rule in rules)))

    def _text(self, rule: _Rule, subnet: str) -> str:
        words = [f"ip daddr {subnet}"]
        if rule.from_role is not None:
            words.insert(0, f"ip saddr {self._address(rule.from_role)}")
        words.append("meta l4proto tcp" if rule.port is None else f"tcp dport {rule.port}")
        words += ["counter", "drop" if rule.action == "drop" else "reject with tcp reset"]
        return " ".join(words)

    def _subnet(self) -> str:
        network = self._engine.call(self._engine.api.inspect_network, self._containers.network)
        return str(network["IPAM"]["Config"][0]["Subnet"])

    def _address(self, role: str) -> str:
        membership = self._membership(role)
        if membership is None or not membership["IPAddress"]:
            raise LabError(
                f"cannot filter what {role} sends: it has no address on the dicom network."
                " Reconnect or start it first."
            )
        return str(membership["IPAddress"])

    def _membership(self, role: str) -> dict[str, Any] | None:
        described = self._engine.call(
            self._engine.api.inspect_container, self._containers.container(role)
        )
        networks: dict[str, dict[str, Any]] = described["NetworkSettings"]["Networks"]
        return networks.get(self._containers.network)

    def _nft(self, role: str, commands: str) -> str:
        api, containers = self._engine.api, self._containers
        sidecar = self._engine.call(
            api.create_container,
            containers.node_image,
            ["nft", commands],
            user="0:0",
            labels=labels.owned_by_this_process(containers.run, containers.lab),
            host_config=api.create_host_config(
                network_mode=f"container:{containers.container(role)}",
                cap_drop=["ALL"],
                cap_add=["NET_ADMIN"],
            ),
        )["Id"]
        try:
            self._engine.call(api.start, sidecar)
            code = self._engine.call(api.wait, sidecar, timeout=_SIDECAR_SECONDS)["StatusCode"]
            output = self._engine.log(sidecar)
        finally:
            self._engine.remove_containers([sidecar])
        if code != 0:
            raise LabError(
                f"the packet filter of {role} was refused by nft: {output.strip()}."
                " The kernel of the engine needs nf_tables."
            )
        return output


def script(rules: tuple[str, ...]) -> str:
    """What nft is told so that exactly ``rules`` are in force afterwards, in one transaction."""
    # A table must exist to be deleted without an error.
    lines = [f"add table inet {_TABLE}", f"delete table inet {_TABLE}"]
    if rules:
        lines.append(f"add table inet {_TABLE}")
        lines.append(
            f"add chain inet {_TABLE} input {{ type filter hook input priority 0; policy accept; }}"
        )
        lines += [f"add rule inet {_TABLE} input {rule}" for rule in rules]
    return "; ".join(lines)
