"""Archives that already run: ``STACK=@site.yaml``.

The lab is a guest there. It changes settings only when told to (``--allow-config``), puts back
exactly what it changed, removes only the studies that it sent, and says ``unsupported`` with the
reason to everything else.
"""

from __future__ import annotations

import ipaddress
import multiprocessing
import socket
from collections.abc import Mapping
from pathlib import Path

from dicom.association.ends import Tls
from orchestrator.backends.base import Backend
from orchestrator.model.address import Address
from orchestrator.model.identity import Edition
from orchestrator.stacks.base import Archive, Stack, StackContext
from orchestrator.stacks.external.archive import ExternalArchive
from orchestrator.stacks.external.dcm4chee_interface import Dcm4cheeInterface
from orchestrator.stacks.external.dicomweb_interface import DicomWebInterface
from orchestrator.stacks.external.interface import Interface
from orchestrator.stacks.external.orthanc_interface import OrthancInterface
from orchestrator.stacks.external.site import Site, read_site


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


def _is_loopback(host: str) -> bool:
    """Whether ``host``, a name or an address, is this machine by its loopback interface."""
    if host == "localhost":  # also where no resolver knows it (RFC 6761)
        return True
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # whoever connects there will say what is wrong with the name
        return False
    return all(ipaddress.ip_address(str(each[4][0])).is_loopback for each in found)


def _interface(site: Site, context: StackContext) -> Interface:
    kept_in = Path(context.run_folder) / f"{context.role}-before.json"
    if site.kind == "dcm4chee":
        return Dcm4cheeInterface(site, kept_in)
    if site.kind == "orthanc":
        return OrthancInterface(site, kept_in)
    return DicomWebInterface(site)
