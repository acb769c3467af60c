"""The state of a lab as plain data: who is configured how, who believes what of whom.

A fault is a function from one state to another; the lab enacts the difference. Repairing is
enacting the healthy state again, so nothing a fault did can be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Self

from pydantic import Field

from dicom.association.ends import Tls
from dicom.frozen import Frozen
from dicom.settings import ArchiveSettings
from dicom.workflow.procedure_steps import MppsRules
from modalities.misbehaviour.act import AnyAct
from modalities.misbehaviour.alteration import AnyAlteration
from modalities.scp.behaviour import CommitmentRules, WorklistRules
from orchestrator.errors import UnsupportedError
from orchestrator.model.modality_settings import ModalitySettings
from orchestrator.model.role_settings import S, SettingsByRole, laid_over


class AddressEntry(Frozen):
    """What one node believes of another: a line of its address table.

    ``host`` and ``port`` None mean the true address; ``closed`` is a port of the server on which
    nothing listens. ``tls`` says that the client opens TLS.
    """

    title: str
    host: str | None = None
    port: int | Literal["closed"] | None = None
    tls: bool = False


class RisState(Frozen):
    """What a RIS offers: its worklist and MPPS (None: not at all), and how it answers.

    ``schedule`` are attributes that every worklist item has otherwise than it should, by dotted
    keyword; None takes one away.
    """

    worklist: WorklistRules | None
    mpps: MppsRules | None = MppsRules()
    schedule: Mapping[str, str | None] = Field(default_factory=dict)


class ModalityState(ModalitySettings):
    """A simulated modality, workstation or RIS: its own title, and what a scenario can set.

    ``client_tls`` is what it presents and trusts where an entry opens TLS, ``server_tls`` what
    its own listener does (None: plain). ``commitment_results`` is how it takes storage commitment
    results (None: not at all). ``ris`` is what makes it a RIS. ``misbehave`` is what its storage
    SCU does to its associations.
    """

    aetitle: str
    client_tls: Tls | None = None
    server_tls: Tls | None = None
    commitment_results: CommitmentRules | None = CommitmentRules()
    ris: RisState | None = None
    misbehave: AnyAct | None = None


class WireState(Frozen):
    """What the network does between a client and a server (bytes and times per connection).

    ``how`` chooses who does it: ``relay`` (our TCP relay in the path, both backends),
    ``filter`` (packet filter in the server's network namespace, docker only) or ``disconnect``
    (the server's interface leaves the network, docker only).
    """

    how: Literal["relay", "filter", "disconnect"] = "relay"
    mode: Literal["pass", "drop", "reject", "silent"] = "pass"
    delay_ms: float = Field(0, ge=0)
    bytes_per_second: int | None = Field(None, gt=0)
    cut_after_bytes: int | None = Field(None, ge=0)
    cut_with: Literal["reset", "close"] = "reset"


class StudyTreatment(Frozen):
    """How the study of a phase is made.

    ``reuse_uids`` gives it the UIDs of the baseline's study with other content; ``change`` sets
    attributes (keyword to value, None removes) in every dataset; ``alterations`` are done to the
    encoded objects on their way out.
    """

    reuse_uids: bool = False
    change: Mapping[str, str | None] = Field(default_factory=dict)
    transfer_syntax: str | None = None
    alterations: tuple[AnyAlteration, ...] = ()


Link = tuple[str, str]


class LabState(Frozen):
    """Everything a fault can change. Links are (client role, server role)."""

    archives: dict[str, ArchiveSettings] = Field(default_factory=dict)
    modalities: dict[str, ModalityState] = Field(default_factory=dict)
    entries: dict[Link, AddressEntry] = Field(default_factory=dict)
    wires: dict[Link, WireState] = Field(default_factory=dict)
    study: StudyTreatment = StudyTreatment()

    @property
    def tls(self) -> bool:
        """Whether any node opens or accepts TLS."""
        return any(entry.tls for entry in self.entries.values()) or any(
            settings.tls is not None for settings in self.archives.values()
        )

    def with_settings(self, by_role: SettingsByRole) -> Self:
        """A copy with these settings laid over; those of a role that is not here are left out."""
        changed = {
            "archives": _with_settings(self.archives, by_role),
            "modalities": _with_settings(self.modalities, by_role),
        }
        return self.model_copy(update=changed)

    def with_archive(self, role: str, **changes: object) -> Self:
        """A copy in which archive ``role`` has these neutral settings changed (validated).

        Raises:
            UnsupportedError: ``role`` is not an archive.
        """
        if role not in self.archives:
            raise UnsupportedError(_has_no("an archive", role, changes))
        # A setting that is left out differs from one that is given as null: see ArchiveSettings.
        given = self.archives[role].model_dump(exclude_unset=True)
        changed = ArchiveSettings.model_validate({**given, **changes})
        return self.model_copy(update={"archives": {**self.archives, role: changed}})

    def with_modality(self, role: str, **changes: object) -> Self:
        """A copy in which modality ``role`` is changed (validated).

        Raises:
            UnsupportedError: ``role`` is not a node of the lab's own.
        """
        if role not in self.modalities:
            raise UnsupportedError(_has_no("a modality, workstation or RIS", role, changes))
        state = self.modalities[role]
        changed = ModalityState.model_validate({**state.model_dump(), **changes})
        return self.model_copy(update={"modalities": {**self.modalities, role: changed}})

    def with_entry(self, link: Link, **changes: object) -> Self:
        """A copy in which ``link``'s client believes something else of its server."""
        changed = AddressEntry.model_validate({**self.entries[link].model_dump(), **changes})
        return self.model_copy(update={"entries": {**self.entries, link: changed}})

    def without_entry(self, link: Link) -> Self:
        """A copy in which ``link``'s client does not know its server at all."""
        kept = {key: entry for key, entry in self.entries.items() if key != link}
        return self.model_copy(update={"entries": kept})

    def with_wire(self, link: Link, **changes: object) -> Self:
        """A copy in which the network treats ``link`` differently."""
        current = self.wires.get(link, WireState())
        changed = WireState.model_validate({**current.model_dump(), **changes})
        return self.model_copy(update={"wires": {**self.wires, link: changed}})

    def with_study(self, **changes: object) -> Self:
        """A copy in which the study is made differently."""
        changed = StudyTreatment.model_validate({**self.study.model_dump(), **changes})
        return self.model_copy(update={"study": changed})


def _with_settings(nodes: Mapping[str, S], by_role: SettingsByRole) -> dict[str, S]:
    return {
        role: laid_over(node, by_role[role]) if role in by_role else node
        for role, node in nodes.items()
    }


def _has_no(kind: str, role: str, settings: Iterable[str]) -> str:
    names = ", ".join(settings)
    return f"{role} is not {kind} and has no {names} to change; choose another fault or route"
