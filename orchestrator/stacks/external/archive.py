"""Somebody else's archive: looked at, changed only when told to, and left as it was found."""

from __future__ import annotations

from collections.abc import Iterable
from multiprocessing.synchronize import Lock
from typing import Final

from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.settings import ArchiveSettings
from dicom.web.target import WebTarget
from orchestrator.errors import LabError, UnsupportedError
from orchestrator.model.identity import Identity
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import Archive, Dialect, Native, StackContext
from orchestrator.stacks.external.dialect import ALLOW, GuestDialect
from orchestrator.stacks.external.interface import Interface
from orchestrator.stacks.external.site import Site
from orchestrator.stacks.external.web import dicomweb_of

#: How long a lab waits for another lab of this run that has the archive's settings in its hands.
_TURN_SECONDS: Final = 600.0


class ExternalArchive(Archive):
    """Somebody else's archive in a role of one lab."""

    def __init__(
        self,
        site: Site,
        context: StackContext,
        interface: Interface,
        *,
        allow_config: bool,
        turn: Lock,
    ) -> None:
        super().__init__(context, _guest_dialect(site, interface, allow_config=allow_config))
        self.coercions = interface.coercions
        self._site = site
        self._interface = interface
        self._allow_config = allow_config
        self._turn = turn
        self._has_turn = False
        self._sent: dict[str, None] = {}

    def launch(self) -> None:
        return

    def await_ready(self) -> Identity:
        """Ask for its version; with ``--allow-config`` put the lab's first settings in force.

        Raises:
            LabError: it does not answer, or another lab of this run has its settings.
            UnsupportedError: a setting may not or can't be changed there.
        """
        version = self._interface.version()
        # The vendor's words are those of its version from now on.
        self.dialect = _guest_dialect(self._site, self._interface, allow_config=self._allow_config)
        if self._allow_config and self._interface.changeable:
            self._take_turn()
            self._refuse_unsupported(self.settings)
            self._interface.apply(self.settings)
        stack = self._site.name if self._site.kind == "dicomweb" else self._site.kind
        return Identity(stack=stack, edition="external", version=version)

    def configure(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """Change settings for the length of this lab.

        Raises:
            UnsupportedError: not allowed, or not possible there.
        """
        if settings == self.settings:
            return ()
        self._refuse_unsupported(settings)
        if not self._allow_config or not self._interface.changeable:
            changed = [
                name
                for name in ArchiveSettings.model_fields
                if getattr(settings, name) != getattr(self.settings, name)
            ]
            could = self._interface.changeable.issuperset(changed)
            why = ALLOW if could else self._interface.unchangeable
            raise UnsupportedError(
                f"{', '.join(changed)} of {self._site.name} would have to be changed: {why}"
            )
        changes = self._interface.apply(settings)
        self.settings = settings
        return changes

    def read_back(self) -> Native:
        """What is in force there."""
        return self._interface.read_back()

    def will_receive(self, study_instance_uids: Iterable[str]) -> None:
        """Remember them, so that they can be removed."""
        for uid in study_instance_uids:
            if uid in self._sent:
                continue
            if self._interface.has(uid):
                raise UnsupportedError(
                    f"{self._site.name} already holds study {uid}; the lab could not tell its"
                    " own objects from those. Remove it there or send another study."
                )
            self._sent[uid] = None

    def dicomweb(self) -> WebTarget:
        """Its DICOMweb services, with the credentials that the site's file names."""
        return dicomweb_of(self._site)

    def held(self, study_instance_uid: str | None = None) -> tuple[Fingerprint, ...]:
        """A study's instances; by default those of the studies that the lab sent."""
        studies = tuple(self._sent) if study_instance_uid is None else (study_instance_uid,)
        return tuple(each for uid in studies for each in self._interface.fingerprints(uid))

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        """Tell it, the vendor's way, to send a study.

        Raises:
            UnsupportedError: it does not know the AE and the lab may not add it.
        """
        if not self._allow_config and not self._interface.knows(to):
            raise UnsupportedError(
                f"{self._site.name} does not know AE {to!r}: enter it there or {ALLOW}"
            )
        return self._interface.forward(study_instance_uid, to)

    def empty(self) -> None:
        """Remove the studies that the lab sent, nothing else.

        Raises:
            UnsupportedError: the archive's interface can't remove anything.
        """
        for uid in self._sent:
            self._remove(uid)

    def web(self) -> str:
        """The address in the site's file; its credentials are the user's own."""
        return self._site.web.url

    def log(self) -> str:
        """The lab does not see the log of somebody else's archive."""
        return ""

    def close(self) -> None:
        """Remove what was sent, restore what was changed; all of it is tried.

        Raises:
            LabError: something could not be undone; says what is left to do by hand.
        """
        problems = []
        if not self._site.keeps_objects:
            for uid in tuple(self._sent):
                try:
                    self._remove(uid)
                except (LabError, OSError) as error:  # what requests raises is an OSError
                    problems.append(f"Study {uid} may still be there: {error}")
                else:
                    del self._sent[uid]
        try:
            self._interface.restore()
        except (LabError, OSError) as error:
            problems.append(str(error))
        self._interface.close()
        if self._has_turn:
            self._has_turn = False
            self._turn.release()
        if problems:
            raise LabError(
                f"{self._site.name} could not be left as it was found: {' '.join(problems)}"
            )

    def _remove(self, study_instance_uid: str) -> None:
        if self._interface.has(study_instance_uid):
            self._interface.delete(study_instance_uid)

    def _take_turn(self) -> None:
        if self._has_turn:
            return
        if not self._turn.acquire(timeout=_TURN_SECONDS):
            raise LabError(
                f"another lab of this run has used {self._site.name} for {_TURN_SECONDS:g} s;"
                " expected one lab at a time (two roles of one lab can't be the same archive)"
            )
        self._has_turn = True


def _guest_dialect(site: Site, interface: Interface, *, allow_config: bool) -> Dialect:
    """The vendor's dialect, which also refuses what may not be changed there."""
    if allow_config:
        may, could = interface.changeable, frozenset[str]()
    else:
        may, could = frozenset({"known_aes"}), interface.changeable
    return GuestDialect(interface.dialect, site, may, could, interface.unchangeable)
