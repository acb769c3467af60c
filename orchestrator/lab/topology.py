"""Which nodes a cell needs, what they are called, and the healthy state they start in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from dicom.association.ends import Tls
from dicom.settings import ArchiveSettings
from modalities.scp.behaviour import WorklistRules
from orchestrator.backends.base import Backend
from orchestrator.errors import EnvironmentProblemError
from orchestrator.model.identity import Edition
from orchestrator.model.results import CellId
from orchestrator.model.scenario import Role, Scenario
from orchestrator.model.state import AddressEntry, LabState, Link, ModalityState, RisState
from orchestrator.stacks.base import STACKS, Stack

#: Role of the modality that the lab adds where a route has none to store the study beforehand.
FEEDER: Final = "feeder"
_MAX_TITLE: Final = 16


@dataclass(frozen=True)
class ChosenStack:
    """An archive role with the stack and edition that fill it."""

    stack: Stack
    edition: Edition


@dataclass(frozen=True)
class Topology:
    """The nodes of a lab: titles by role, archives with their stacks, and who feeds them.

    ``modalities`` are all nodes of ours that speak DICOM; those in ``rises`` are a RIS.
    """

    archives: Mapping[str, ChosenStack]
    modalities: Mapping[str, str]
    feeder: str
    rises: frozenset[str] = frozenset()

    @property
    def links(self) -> tuple[Link, ...]:
        """Every pair (client, server) in which a node may open an association."""
        modalities = [role for role in self.modalities if role not in self.rises]
        clients = [*modalities, *self.archives]
        to_archives = [(c, s) for c in clients for s in self.archives if c != s]
        to_modalities = [(c, s) for c in self.archives for s in modalities]
        to_rises = [(c, s) for c in modalities for s in sorted(self.rises)]
        return (*to_archives, *to_modalities, *to_rises)


def topology_of(
    scenario: Scenario, cell: CellId, backend: Backend, stacks: Mapping[str, Stack]
) -> Topology:
    """The nodes that ``cell`` needs on ``backend``: the route's roles, and a feeder.

    ``stacks`` are stacks that are not in the registry (external sites), by name.

    Raises:
        EnvironmentProblemError: a stack has no edition that this backend can run.
    """
    archives: dict[str, ChosenStack] = {}
    modalities: dict[str, str] = {}
    for role in cell.ends.roles:
        declared = scenario.roles[role]
        if declared.kind == "archive":
            name = cell.bindings[role]
            archives[role] = _choose(stacks.get(name) or STACKS[name], backend)
        else:
            modalities[role] = declared.aetitle or _title(role, modalities.values())
    feeder = next((role for role in modalities if scenario.roles[role].kind == "modality"), None)
    if feeder is None:
        feeder = next((r for r, d in scenario.roles.items() if d.kind == "modality"), FEEDER)
        declared = scenario.roles.get(feeder, Role(kind="modality"))
        modalities[feeder] = declared.aetitle or _title(feeder, modalities.values())
    rises = (role for role in modalities if role in scenario.roles)
    return Topology(
        archives=archives,
        modalities=modalities,
        feeder=feeder,
        rises=frozenset(role for role in rises if scenario.roles[role].kind == "ris"),
    )


def healthy_state(scenario: Scenario, topology: Topology) -> LabState:
    """Everybody knows everybody, and the scenario's own settings are in force."""
    tls_of_sites = {
        role: tls
        for role, chosen in topology.archives.items()
        if (tls := chosen.stack.client_tls) is not None
    }
    # One TLS material per modality is enough: a site is never on one route with another archive
    # that speaks TLS to the same modality.
    of_site = next(iter(tls_of_sites.values()), None)
    nodes = LabState(
        archives={
            role: ArchiveSettings(aetitle=scenario.roles[role].aetitle or chosen.stack.aetitle)
            for role, chosen in topology.archives.items()
        },
        modalities={
            role: ModalityState(
                aetitle=title,
                client_tls=of_site or _client_tls(role),
                ris=_ris(role) if role in topology.rises else None,
            )
            for role, title in topology.modalities.items()
        },
    ).with_settings(scenario.settings)
    archives = nodes.archives
    titles = {role: settings.aetitle for role, settings in archives.items()}
    titles.update(topology.modalities)
    entries = {
        (client, server): AddressEntry(
            title=titles[server],
            tls=server in tls_of_sites or (server in archives and archives[server].tls is not None),
        )
        for client, server in topology.links
    }
    return nodes.model_copy(update={"entries": entries})


def _choose(stack: Stack, backend: Backend) -> ChosenStack:
    editions = stack.editions(backend)
    if not editions:
        raise EnvironmentProblemError(
            f"stack {stack.name!r} can't run on the {backend.name} backend here;"
            " expected its image, its binary or a vendor profile. Try another BACKEND or STACK."
        )
    return ChosenStack(stack, editions[0])


def _title(role: str, taken: Collection[str]) -> str:
    """An AE title that tells whose it is; two long names may begin alike."""
    name = role.upper().replace("-", "_")
    title = name[:_MAX_TITLE]
    numbers = count(2)
    while title in taken:
        number = str(next(numbers))
        title = name[: _MAX_TITLE - len(number)] + number
    return title


def _ris(role: str) -> RisState:
    """A RIS that schedules by a file of its own in the exchange folder."""
    return RisState(worklist=WorklistRules(file=f"worklist/{role}.yaml"))


def _client_tls(role: str) -> Tls:
    """What a modality presents and trusts wherever an entry opens TLS."""
    return Tls(trusted="tls/lab-ca.pem", certificate=f"tls/{role}.pem", key=f"tls/{role}.key")
