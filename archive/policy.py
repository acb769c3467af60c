"""What a profile with its settings decides, without any transport: admission and negotiation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final, Literal, NamedTuple

from pydicom.uid import UID
from pynetdicom.presentation import AllStoragePresentationContexts

from archive.vendor import VendorProfile
from dicom.association.requested import (
    ACCEPTED,
    CLASS_REFUSED,
    SYNTAX_REFUSED,
    ContextAnswer,
    Rejection,
)
from dicom.datasets.uids import uid_of
from dicom.dimse.scu import VERIFICATION
from dicom.settings import ArchiveSettings, KnownAE, Service
from dicom.workflow.performed_step import MPPS
from dicom.workflow.storage_commitment import STORAGE_COMMITMENT
from dicom.workflow.worklist import MODALITY_WORKLIST

#: What an abstract syntax can stand for: services to be permitted, and those of the workflow.
Offered = Service | Literal["commit", "worklist", "mpps"]


class QueryClass(NamedTuple):
    """Information model and service of a query/retrieve SOP class."""

    model: str
    service: Service


#: PS3.4 tables C.4.1.1-1 and following: 1.2.840.10008.5.1.4.1.2.<model>.<service>.
QUERY_CLASSES: Final[Mapping[str, QueryClass]] = {
    "1.2.840.10008.5.1.4.1.2.1.1": QueryClass("patient", "find"),
    "1.2.840.10008.5.1.4.1.2.1.2": QueryClass("patient", "move"),
    "1.2.840.10008.5.1.4.1.2.1.3": QueryClass("patient", "get"),
    "1.2.840.10008.5.1.4.1.2.2.1": QueryClass("study", "find"),
    "1.2.840.10008.5.1.4.1.2.2.2": QueryClass("study", "move"),
    "1.2.840.10008.5.1.4.1.2.2.3": QueryClass("study", "get"),
    "1.2.840.10008.5.1.4.1.2.3.1": QueryClass("patient-study-only", "find"),
    "1.2.840.10008.5.1.4.1.2.3.2": QueryClass("patient-study-only", "move"),
    "1.2.840.10008.5.1.4.1.2.3.3": QueryClass("patient-study-only", "get"),
}
_CURRENT_STORAGE: Final = frozenset(
    str(context.abstract_syntax) for context in AllStoragePresentationContexts
)
#: Where PS3.6 puts storage SOP classes; retired ones are in the registry only.
_STORAGE_ARC: Final = "1.2.840.10008.5.1.4.1.1."


class Policy:
    """Decisions of one archive under one set of settings; immutable, shared between threads.

    Attributes:
        profile: the vendor's ways.
        settings: the settings in force, vendor defaults filled in.
    """

    def __init__(self, profile: VendorProfile, settings: ArchiveSettings) -> None:
        self.profile = profile
        self.settings = profile.in_force(settings)

    def refusal(self, calling: str, called: str, open_associations: int) -> Rejection | None:
        """Why an association is rejected, or None; ``open_associations`` counts the others."""
        settings = self.settings
        if settings.check_called_aetitle and not self._is_mine(called):
            return Rejection(
                1, 1, 7, f"called AE title {called!r} is not mine ({settings.aetitle})"
            )
        if not self._may_associate(calling):
            return Rejection(1, 1, 3, f"calling AE title {calling!r} is not allowed here")
        limit = settings.max_associations
        if limit is not None and open_associations >= limit:
            return Rejection(2, 3, 2, f"{open_associations} associations open, limit is {limit}")
        return None

    def permits(self, calling: str, service: Service) -> bool:
        """Whether ``calling`` may use ``service`` on an association that it already has."""
        if service in self.settings.refused_services:
            return False
        accepted = self.settings.accepted_calling_aetitles
        if accepted is not None:
            return self._listed(calling, accepted)
        return service in self.profile.admission.open_services or self.known(calling) is not None

    def known(self, title: str) -> KnownAE | None:
        """The entry for ``title`` in the table of remote AEs."""
        entries = self.settings.known_aes
        return next((entry for entry in entries if self.same_title(entry.title, title)), None)

    def same_title(self, one: str, other: str) -> bool:
        """Compare AE titles as the settings say; surrounding spaces never count (PS3.5 6.2)."""
        one, other = one.strip(), other.strip()
        if self.settings.case_sensitive_aetitle:
            return one == other
        return one.upper() == other.upper()

    def answer(
        self, abstract_syntax: str, proposed: Sequence[str], called: str = ""
    ) -> ContextAnswer:
        """Accept or refuse one presentation context that was proposed to the AE ``called``."""
        rules = self.profile.negotiation
        service = self.service_of(abstract_syntax, called)
        if service is None or self._switched_off(service):
            return ContextAnswer(CLASS_REFUSED, proposed[0])
        if service != "store":
            chosen = _first(rules.query_transfer_syntaxes, proposed)
            return (
                ContextAnswer(ACCEPTED, chosen)
                if chosen
                else ContextAnswer(SYNTAX_REFUSED, proposed[0])
            )
        accepted = self._storage_syntaxes
        offered = [uid for uid in proposed if accepted is None or uid in accepted]
        if not offered:
            return ContextAnswer(rules.refused_storage_syntax, proposed[0])
        return ContextAnswer(
            ACCEPTED, _first(rules.preferred_transfer_syntaxes, offered) or offered[0]
        )

    def service_of(self, abstract_syntax: str, called: str = "") -> Offered | None:
        """The service that an abstract syntax stands for at the AE ``called``; None: not offered.

        An AE of its own for the worklist offers C-ECHO and MPPS besides (F3b).
        """
        if abstract_syntax == VERIFICATION:
            return "echo"
        if abstract_syntax == MPPS:
            return "mpps" if self.profile.mpps is not None else None
        at_worklist = self._is_worklist(called)
        worklist = self.profile.worklist
        if abstract_syntax == MODALITY_WORKLIST and worklist is not None:
            return "worklist" if at_worklist or worklist.aetitle is None else None
        if at_worklist:
            return None
        if abstract_syntax == STORAGE_COMMITMENT:
            return "commit" if self.profile.commitment is not None else None
        if abstract_syntax in QUERY_CLASSES:
            model, service = QUERY_CLASSES[abstract_syntax]
            return service if model in self.profile.negotiation.query_models else None
        return "store" if self._stores(abstract_syntax) else None

    def _is_mine(self, called: str) -> bool:
        return self.same_title(called, self.settings.aetitle) or self._is_worklist(called)

    def _is_worklist(self, called: str) -> bool:
        """Whether ``called`` is an AE of its own that serves the worklist."""
        worklist = self.profile.worklist
        return (
            worklist is not None
            and worklist.aetitle is not None
            and self.same_title(called, worklist.aetitle)
        )

    def _stores(self, sop_class: str) -> bool:
        accepted = self.settings.accepted_sop_classes
        if accepted is not None:
            return sop_class in {uid_of(name) for name in accepted}
        rules = self.profile.negotiation
        if sop_class in rules.extra_storage_classes:
            return True
        if is_standard_storage(sop_class) and sop_class not in rules.storage_classes_except:
            return True
        # What the registry (PS3.6 annex A) lists as some other SOP class is not storage.
        unknown = UID(sop_class).type == "" or sop_class in rules.storage_classes_except
        return unknown and bool(self.settings.accept_unknown_sop_classes)

    def _may_associate(self, calling: str) -> bool:
        accepted = self.settings.accepted_calling_aetitles
        if self.profile.admission.unknown_caller == "association":
            return accepted is None or self._listed(calling, accepted)
        in_table = self.known(calling) is not None or self._listed(calling, accepted or ())
        return in_table or any(self.permits(calling, service) for service in _SERVICES)

    def _switched_off(self, service: Offered) -> bool:
        return (
            self.profile.admission.refused_service == "context"
            and service in self.settings.refused_services
        )

    def _listed(self, title: str, titles: Sequence[str]) -> bool:
        return any(self.same_title(title, each) for each in titles)

    @cached_property
    def _storage_syntaxes(self) -> frozenset[str] | None:
        names = self.settings.accepted_transfer_syntaxes
        return None if names is None else frozenset(uid_of(name) for name in names)


_SERVICES: Final[tuple[Service, ...]] = ("echo", "store", "find", "move", "get")


def is_standard_storage(sop_class: str) -> bool:
    """Whether DICOM registers (or once registered) this UID as a storage SOP class."""
    if sop_class in _CURRENT_STORAGE:
        return True
    uid = UID(sop_class)
    return sop_class.startswith(_STORAGE_ARC) and "Storage" in uid.name and uid.type == "SOP Class"


def _first(preferred: Sequence[str], offered: Sequence[str]) -> str | None:
    return next((uid for uid in preferred if uid in offered), None)
