"""Archives that already run: ``STACK=@site.yaml``.

The lab is a guest there. It changes settings only when told to (``--allow-config``), puts back
exactly what it changed, removes only the studies that it sent, and says ``unsupported`` with the
reason to everything else.
"""

from __future__ import annotations

import ipaddress
import multiprocessing
import socket
from collections.abc import Iterable, Mapping
from multiprocessing.synchronize import Lock
from pathlib import Path
from typing import Final

from dicom.association.ends import Tls
from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.settings import ArchiveSettings
from dicom.web.target import WebTarget
from orchestrator.backends.base import Backend
from orchestrator.errors import LabError, UnsupportedError
from orchestrator.model.address import Address
from orchestrator.model.identity import Edition, Identity
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import Archive, Dialect, Native, Stack, StackContext
from orchestrator.stacks.external.dcm4chee_interface import Dcm4cheeInterface
from orchestrator.stacks.external.dialect import ALLOW, GuestDialect
from orchestrator.stacks.external.dicomweb_interface import DicomWebInterface
from orchestrator.stacks.external.interface import Interface
from orchestrator.stacks.external.orthanc_interface import OrthancInterface
from orchestrator.stacks.external.site import Site, read_site
from orchestrator.stacks.external.web import dicomweb_of

#: How long a lab waits for another lab of this run that has the archive's settings in its hands.
_TURN_SECONDS: Final = 600.0


def load_site(path: Path, *, allow_config: bool = False) -> ExternalStack:
    """The stack that the file at ``path`` describes.

    Raises:
        InputError: the file is wrong, or a credential that it names is not in the environment.
    """
    return ExternalStack(read_site(path), allow_config=allow_config)


class ExternalStack(Stack):
    """One archive that already runs, as a stack with the single edition ``external``."""

    def __init__(self, site: Site, *, allow_config: bool) -> None:
        self.site = site
        self.name = site.name
        self._allow_config = allow_config
        # Labs of one run may be at work in several processes that were forked after this.
        self._turn = multiprocessing.Lock()

    @property
    def aetitle(self) -> str:
        return self.site.dicom.aetitle

    @property
    def runs_at(self) -> Mapping[str, Address]:
        return {"dicom": Address(self.site.dicom.host, self.site.dicom.port)}

    @property
    def client_tls(self) -> Tls | None:
        return self.site.client_tls

    def editions(self, backend: Backend) -> tuple[Edition, ...]:
        """Local only: the docker lab's DICOM network is cut off from everything outside it."""
        return ("external",) if backend.name == "local" else ()

    def ports(self, edition: Edition) -> Mapping[str, int]:
        """Its DICOM port; the lab does not open it."""
        return {"dicom": self.site.dicom.port}

    def why_it_can_not_call(self, receiver: Stack | None) -> str:
        if receiver is not None and receiver.runs_at and not self._allow_config:
            return ""  # by its own table it calls the other archive where that one really is
        host = self.site.dicom.host
        if _is_loopback(host):
            return ""
        return (
            f"{self.name} is on another machine ({host}), and what it would have to connect to"
            " listens on 127.0.0.1 of this one: run the lab where the archive is, or choose a"
            " route on which it is only called"
        )

    def archive(self, edition: Edition, context: StackContext) -> Archive:
        """The adapter for one lab."""
        return ExternalArchive(
            self.site,
            context,
            _interface(self.site, context),
            allow_config=self._allow_config,
            turn=self._turn,
        )


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
        super().__init__(context, _dialect(site, interface, allow_config=allow_config))
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
        self.dialect = _dialect(self._site, self._interface, allow_config=self._allow_config)
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


def _is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, is this machine by its loopback interface."""
    if host == "localhost":  # also where no resolver knows it (RFC 6761)
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # whoever connects there will say what is wrong with the name
        return False
    return all(ipaddress.ip_address(str(each[4][0])).is_loopback for each in found)


def _dialect(site: Site, interface: Interface, *, allow_config: bool) -> Dialect:
    """The vendor's dialect, which also refuses what may not be changed there."""
    if allow_config:
        may, could = interface.changeable, frozenset[str]()
    else:
        may, could = frozenset({"known_aes"}), interface.changeable
    return GuestDialect(interface.dialect, site, may, could, interface.unchangeable)


def _interface(site: Site, context: StackContext) -> Interface:
    kept_in = Path(context.run_folder) / f"{context.role}-before.json"
    if site.kind == "dcm4chee":
        return Dcm4cheeInterface(site, kept_in)
    if site.kind == "orthanc":
        return OrthancInterface(site, kept_in)
    return DicomWebInterface(site)
