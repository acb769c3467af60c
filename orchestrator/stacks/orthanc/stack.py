"""Orthanc: container or process of the real product, otherwise our archive with its profile."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from typing import Final

from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.settings import ArchiveSettings
from dicom.web.target import WebAuth, WebTarget
from orchestrator.backends.base import Backend, ProcessLaunch
from orchestrator.errors import LabError, UnsupportedError
from orchestrator.machine.waiting import wait_until
from orchestrator.model.identity import Edition, Identity
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import STACKS, Archive, Native, Stack, StackContext
from orchestrator.stacks.native import native_changes
from orchestrator.stacks.orthanc.dialect import (
    MODALITIES,
    OrthancDialect,
    as_written,
    entry_name,
)
from orchestrator.stacks.orthanc.plugins import DICOMWEB, IMAGE_FOLDER, find_plugin
from orchestrator.stacks.orthanc.rest import OrthancRest, numbers_like
from orchestrator.stacks.profile.adapter import PROFILE_PORTS, profile_archive
from orchestrator.stacks.web_api import Credentials, WebApi

_PORTS: Final = {"dicom": 4242, "web": 8042}
#: Orthanc answers 0.1 s after its start (F section 2); a loaded machine gets a lot more.
_START_SECONDS: Final = 30.0
_DICOMWEB_ROOT: Final = "/dicom-web"
#: What Orthanc logs before it ends because it can't open one of its ports.
_PORT_TAKEN: Final = re.compile(r"TCP port of the (DICOM|HTTP) server is .*already in use")


class OrthancStack(Stack):
    """Registered as ``orthanc``."""

    name = "orthanc"
    aetitle = "ORTHANC"
    #: The profile that stands in where the product is missing.
    profile = "orthanc-1.12"

    def editions(self, backend: Backend) -> tuple[Edition, ...]:
        """The real product first."""
        real: Edition = "container" if backend.name == "docker" else "process"
        here = backend.has("orthanc", "Orthanc") is not None
        return (real, "profile") if here else ("profile",)

    def ports(self, edition: Edition) -> Mapping[str, int]:
        """Ports in a container: Orthanc's own, or those of our archive that stands in."""
        return PROFILE_PORTS if edition == "profile" else _PORTS

    def archive(self, edition: Edition, context: StackContext) -> Archive:
        """An Orthanc of this edition, not started."""
        if edition == "profile":
            return profile_archive(self.profile, context)
        return OrthancArchive(edition, context)


STACKS.register("orthanc")(OrthancStack())


class OrthancArchive(Archive):
    """The real Orthanc. Every setting lives in its JSON file, so changing one restarts it.

    It hands out what it was given (F28), and logs on standard error.
    """

    def __init__(self, edition: Edition, context: StackContext) -> None:
        dialect = OrthancDialect(certificates=f"{context.place.node_exchange}/tls")
        super().__init__(context, dialect)
        self.dialect: OrthancDialect = dialect
        self._edition = edition
        self._password = secrets.token_urlsafe(16)
        self._rest: OrthancRest | None = None

    def launch(self) -> ProcessLaunch:
        """Orthanc with its settings in one JSON file."""
        return ProcessLaunch(
            role=self.role,
            ports=_PORTS,
            service="orthanc",
            command=("Orthanc", "--verbose-dicom", "{config}/orthanc.json"),
            files={"orthanc.json": self._configuration()},
            environment={"TCP_NODELAY": "1"},
        )

    def await_ready(self) -> Identity:
        """Wait for ``GET /system``; Orthanc opens its DICOM port before its web port."""
        rest = self._connect()
        try:
            wait_until(
                rest.answers,
                seconds=_START_SECONDS,
                what=f"Orthanc ({self.role}) to answer GET /system",
                alive=lambda: self._runner.alive(self.role),
                log=self.log,
            )
        except LabError as error:
            raise self._port_taken(error.log_tail) or error from None
        version = str(rest.system()["Version"])
        self.dialect = OrthancDialect(version, self.dialect.certificates)
        return Identity(stack="orthanc", edition=self._edition, version=version)

    def configure(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """Change the table of modalities by REST, anything else in the file with a restart.

        That is what an administrator has to do; the file is kept in step with the table.
        """
        self._refuse_unsupported(settings)
        changes = native_changes(self.dialect, self.settings, settings)
        before, self.settings = self.settings, settings
        if not changes:
            return ()
        if all(change.key.startswith(f"{MODALITIES}.") for change in changes):
            self._change_table(before)
        else:
            self._runner.restart(self.launch())
            self.await_ready()
        return changes

    def read_back(self) -> Native:
        """The configuration that the running Orthanc has loaded, with its table as it is now."""
        rest = self._connect()
        read = {**rest.configuration(), MODALITIES: as_written(rest.modalities())}
        typed: dict[str, object] = numbers_like(read, self.dialect.translate(self.settings))
        return typed

    def held(self, study_instance_uid: str | None = None) -> tuple[Fingerprint, ...]:
        """Every instance by Orthanc's own identifier, so that a second copy shows (F13b)."""
        rest = self._connect()
        return tuple(rest.fingerprint(each) for each in rest.instances(study_instance_uid))

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        """Send a study through Orthanc's REST API."""
        rest = self._connect()
        studies = rest.studies(study_instance_uid)
        if not studies:
            raise LabError(
                f"{self.role} was to send study {study_instance_uid} but does not hold it;"
                " the study should have been stored before this phase"
            )
        names = {entry.title: entry_name(entry) for entry in self.settings.known_aes}
        return rest.store(names.get(to, to), studies)

    def empty(self) -> None:
        """Delete every patient."""
        self._connect().delete_all()

    def web(self) -> str:
        """Orthanc Explorer, with this run's user."""
        return f"http://{self._runner.control(self.role, 'web')} (user lab, {self._password})"

    def dicomweb(self) -> WebTarget:
        """Its DICOMweb plugin, on its web port.

        Raises:
            UnsupportedError: it runs without the plugin.
        """
        if "dicom-web" not in self._connect().plugins():
            raise UnsupportedError(
                f"Orthanc ({self.role}) runs without its DICOMweb plugin; Debian's package is"
                " orthanc-dicomweb"
            )
        address = self._place.peers["web"]
        auth = WebAuth(user="lab", password=self._password)
        return WebTarget(host=address.host, port=address.port, root=_DICOMWEB_ROOT, auth=auth)

    def close(self) -> None:
        """Drop the connection; the runner removes the rest."""
        if self._rest is not None:
            self._rest.close()
            self._rest = None

    def _port_taken(self, log_tail: tuple[str, ...]) -> LabError | None:
        """The error of an Orthanc that ended because of one of its ports, else None."""
        taken = _PORT_TAKEN.search("\n".join(log_tail))
        if taken is None:
            return None
        port = self._place.listen["dicom" if taken[1] == "DICOM" else "web"].port
        return LabError(
            f"Orthanc ({self.role}) ended at its start: another program listens on its {taken[1]}"
            f" port {port}, which Orthanc opens on every address of this machine. Run again (the"
            f" next run takes other ports); 'ss -ltnp sport = :{port}' names the program.",
            log_tail=log_tail,
        )

    def _change_table(self, before: ArchiveSettings) -> None:
        rest = self._connect()
        old, new = self.dialect.modalities(before), self.dialect.modalities(self.settings)
        for name in old.keys() - new.keys():
            rest.delete_modality(name)
        for name, entry in new.items():
            if entry != old.get(name):
                rest.put_modality(name, entry)
        self._runner.rewrite(self.launch())

    def _connect(self) -> OrthancRest:
        address = self._runner.control(self.role, "web")
        base_url = f"http://{address}"
        if self._rest is None or self._rest.api.base_url != base_url:
            self.close()
            credentials = Credentials("lab", self._password)
            self._rest = OrthancRest(WebApi(f"Orthanc ({self.role})", base_url, credentials))
        return self._rest

    def _configuration(self) -> bytes:
        place = self._place
        fixed: dict[str, object] = {
            "Name": f"pacslab {self.role}",
            "StorageDirectory": place.node_data,
            "IndexDirectory": place.node_data,
            "DicomPort": place.listen["dicom"].port,
            "HttpPort": place.listen["web"].port,
            # In a container the web port is reached through the engine, not from localhost; it
            # is published on 127.0.0.1 only and asks for a password made for this run.
            "RemoteAccessAllowed": self._edition == "container",
            "AuthenticationEnabled": True,
            "RegisteredUsers": {"lab": self._password},
            # Lua is what reads the configuration in force back.
            "ExecuteLuaEnabled": True,
            "SaveJobs": False,
            "StableAge": 3600,
            "Plugins": self._plugins(),
            "DicomWeb": {"Enable": True, "Root": f"{_DICOMWEB_ROOT}/"},
        }
        if self._edition == "process":
            # Since 1.12.10; earlier versions ignore it, but turn remote clients away. There is no
            # such key for the DICOM port.
            fixed["HttpBindAddresses"] = [place.listen["web"].host]
        native = {**fixed, **self.dialect.translate(self.settings)}
        return json.dumps(native, indent=2).encode()

    def _plugins(self) -> list[str]:
        if self._edition == "container":
            return [IMAGE_FOLDER]
        found = find_plugin(DICOMWEB)
        return [] if found is None else [found]
