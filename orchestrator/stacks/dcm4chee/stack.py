"""DCM4CHEE: the published images, otherwise our archive with its profile."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.settings import ArchiveSettings
from dicom.web.target import WebTarget
from orchestrator.backends.base import Backend, Launch
from orchestrator.errors import LabError
from orchestrator.machine.waiting import wait_until
from orchestrator.model.identity import Edition, Identity
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import STACKS, Archive, Native, Stack, StackContext
from orchestrator.stacks.dcm4chee.configuration import Dcm4cheeConfiguration
from orchestrator.stacks.dcm4chee.dialect import Dcm4cheeDialect
from orchestrator.stacks.dcm4chee.rest import Dcm4cheeRest, EchoResult
from orchestrator.stacks.profile.adapter import profile_archive
from orchestrator.stacks.web_api import WebApi

_PORTS: Final = {"dicom": 11112, "web": 8080}
#: WildFly with the archive takes one to two minutes on a laptop (docs/archive-facts.md).
_START_SECONDS: Final = 240.0
_LISTENER_SECONDS: Final = 30.0
_ATTEMPTS: Final = 3

#: What DCM4CHEE may hand out otherwise than it was given, by the AE that it stores with.
COERCIONS: Final[Mapping[str, str]] = {
    "00100020": "DCM4CHEE generates a Patient ID where none was sent (F14a)",
    "00100021": "DCM4CHEE supplements Issuer of Patient ID from name and birth date (F28)",
    "7FE00003": "DCM4CHEE removes Encapsulated Pixel Data Value Total Length when it sends (F28)",
}


class Dcm4cheeStack(Stack):
    """Registered as ``dcm4chee``."""

    name = "dcm4chee"
    aetitle = "DCM4CHEE"
    #: The profile that stands in where the images are missing.
    profile = "dcm4chee-5.35"

    def editions(self, backend: Backend) -> tuple[Edition, ...]:
        """The real product where its three images are; it has no form as a mere process."""
        here = backend.name == "docker" and backend.has("dcm4chee", None) is not None
        return ("container", "profile") if here else ("profile",)

    def ports(self, edition: Edition) -> Mapping[str, int]:
        """DCM4CHEE's own ports in a container."""
        return _PORTS

    def archive(self, edition: Edition, context: StackContext) -> Archive:
        """A DCM4CHEE of this edition, not started."""
        if edition == "profile":
            return profile_archive(self.profile, context)
        return Dcm4cheeArchive(context, self.aetitle)


STACKS.register("dcm4chee")(Dcm4cheeStack())


class Dcm4cheeArchive(Archive):
    """The real DCM4CHEE in a container. It stays warm: settings change over REST (F18b)."""

    coercions = COERCIONS

    def __init__(self, context: StackContext, shipped_title: str) -> None:
        dialect = Dcm4cheeDialect(certificates=f"{context.place.node_exchange}/tls")
        super().__init__(context, dialect)
        self.dialect: Dcm4cheeDialect = dialect
        self._shipped_title = shipped_title
        self._pin = secrets.token_urlsafe(16)
        self._rest: Dcm4cheeRest | None = None
        self._configuration: Dcm4cheeConfiguration | None = None

    def launch(self) -> Launch:
        """The archive; compose.yaml gives each role an LDAP and a PostgreSQL of its own."""
        return Launch(role=self.role, ports=_PORTS, service="dcm4chee")

    def await_ready(self) -> Identity:
        """Wait for ``ctrl/status``, put the first settings in force, C-ECHO the own listener.

        Raises:
            LabError: it did not come up; the log's tail is in the error.
        """
        rest = self._connect()
        wait_until(
            rest.started,
            seconds=_START_SECONDS,
            what=f"DCM4CHEE ({self.role}) to report STARTED on GET /dcm4chee-arc/ctrl/status",
            alive=lambda: self._runner.alive(self.role),
            log=self.log,
        )
        if self._configuration is None:
            self._configuration = Dcm4cheeConfiguration(
                rest, self.dialect, self._shipped_title, pin=self._pin
            )

            self._write_stores(self.settings)
            self._configuration.apply(self.settings)
        self._await_listener(rest)
        return Identity(stack="dcm4chee", edition="container", version=self._configuration.version)

    def configure(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """Replace the device, reload, and wait for the listener; nothing is restarted."""
        configuration = self._configured()
        self._write_stores(settings)
        changes = configuration.apply(settings)
        self.settings = settings
        if changes:
            self._await_listener(self._connect())
        return changes

    def read_back(self) -> Native:
        """The device and the table of AEs as the archive reports them."""
        return self._configured().read_back()

    def held(self, study_instance_uid: str | None = None) -> tuple[Fingerprint, ...]:
        """Every instance as it was received, rejected ones included (F28)."""
        rest = self._connect()
        studies = rest.studies() if study_instance_uid is None else (study_instance_uid,)
        return tuple(each for study in studies for each in rest.fingerprints(study))

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        """Export a study to a known AE, synchronously."""
        return self._connect().export(self.settings.aetitle, study_instance_uid, to)

    def empty(self) -> None:
        """Reject and delete every study.

        Raises:
            LabError: something is left.
        """
        rest = self._connect()
        # more than once: a transfer that a fault interrupted may still be arriving
        for _ in range(_ATTEMPTS):
            studies = rest.studies()
            if not studies:
                return
            for study in studies:
                rest.delete_study(self.settings.aetitle, study)
        left = rest.studies()
        if left:
            raise LabError(
                f"DCM4CHEE ({self.role}) was to be emptied but still holds {len(left)} studies,"
                f" the first is {left[0]}. Its log says why it kept them."
            )

    def web(self) -> str:
        """DCM4CHEE's REST services; this image asks for no credentials."""
        return f"http://{self._runner.control(self.role, 'web')}/dcm4chee-arc"

    def dicomweb(self) -> WebTarget:
        """The services of its own AE; this image asks for no credentials."""
        address = self._place.peers["web"]
        root = f"/dcm4chee-arc/aets/{quote(self.settings.aetitle, safe='')}/rs"
        return WebTarget(host=address.host, port=address.port, root=root)

    def close(self) -> None:
        """Drop the connection; the runner removes the rest."""
        if self._rest is not None:
            self._rest.close()
            self._rest = None
            self._configuration = None

    def _connect(self) -> Dcm4cheeRest:
        if self._rest is None:
            address = self._runner.control(self.role, "web")
            self._rest = Dcm4cheeRest(WebApi(f"DCM4CHEE ({self.role})", f"http://{address}"))
        return self._rest

    def _configured(self) -> Dcm4cheeConfiguration:
        if self._configuration is None:
            raise LabError(f"DCM4CHEE ({self.role}) is not ready yet; await_ready comes first")
        return self._configuration

    def _write_stores(self, settings: ArchiveSettings) -> None:
        from orchestrator.stacks.dcm4chee.tls import write_stores  # slow to import

        write_stores(self._place.exchange / "tls", settings, self._pin)

    def _await_listener(self, rest: Dcm4cheeRest) -> None:
        """A C-ECHO of the archive to itself; a rejection is an answer, too.

        Not over TLS: there a deliberately bad certificate would look like a dead listener, and
        ``ctrl/reload`` has failed already if the port could not be bound.
        """
        if self.settings.tls is not None:
            return
        title, port = self.settings.aetitle, _PORTS["dicom"]
        last = EchoResult(2, "not tried")

        def answers() -> bool:
            nonlocal last
            last = rest.echo(title, title, "localhost", port)
            return last.peer_answered

        wait_until(
            answers,
            seconds=_LISTENER_SECONDS,
            what=f"DCM4CHEE ({self.role}) to answer a C-ECHO on its own port {port}",
            alive=lambda: self._runner.alive(self.role),
            log=lambda: f"{self.log()}\n{last.message}",
        )
