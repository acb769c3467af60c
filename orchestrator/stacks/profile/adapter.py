"""The profile archive as the engine sees it: in this process, or in a container."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final

from archive.configuration import ForwardOrder, ServerConfiguration
from archive.server import ProfileServer
from archive.web.service import USER, root_of
from dicom.control import ControlError, call
from dicom.datasets.fingerprint import Fingerprint
from dicom.errors import UsageError
from dicom.forwarding import ForwardReport
from dicom.settings import ArchiveSettings
from dicom.web.target import WebAuth, WebTarget
from dicom.workflow.performed import PerformedStep
from dicom.workflow.schedule import Schedule
from orchestrator.backends.base import InProcess, ThreadLaunch
from orchestrator.errors import EnvironmentProblemError, LabError, UnsupportedError
from orchestrator.machine.waiting import wait_until
from orchestrator.model.identity import Identity
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import Archive, Native, StackContext
from orchestrator.stacks.native import native_changes
from orchestrator.stacks.profile.dialects import dialect_of
from orchestrator.stacks.profile.files import find_profile

#: Ports of the ``profile`` service of compose.yaml.
PROFILE_PORTS: Final[Mapping[str, int]] = {"dicom": 11112, "web": 8080}
_START_SECONDS: Final = 30.0
_ANSWER_SECONDS: Final = 30.0
_FORWARD_SECONDS: Final = 300.0


def profile_archive(profile_name: str, context: StackContext) -> ProfileArchive:
    """An archive that follows the profile called ``profile_name``, not started.

    Raises:
        InputError: there is no such profile, or its file is not valid.
    """
    return ProfileArchive(profile_name, context)


class ProfileArchive(Archive):
    """Adapter of one profile archive. Settings change while it runs, for new associations."""

    def __init__(self, profile_name: str, context: StackContext) -> None:
        profile = find_profile(profile_name)
        super().__init__(context, dialect_of(profile, f"{context.place.node_exchange}/tls"))
        self._name = profile_name
        self._profile = profile
        rules = profile.web
        asks = rules is not None and rules.authentication == "basic"
        self._web_password = secrets.token_urlsafe(16) if asks else ""
        self.coercions = profile.receipt.coercions

    def launch(self) -> ThreadLaunch:
        """Threads of this process on the local backend, the node image in docker."""
        configuration = self._configuration()

        def start() -> InProcess:
            try:
                return ProfileServer(configuration)
            except UsageError as error:
                raise EnvironmentProblemError(str(error)) from error

        return ThreadLaunch(
            role=self.role,
            ports={name: address.port for name, address in self._place.listen.items()},
            service="profile",
            start=start,
            by_hand=("-m", "archive", "{config}/archive.json"),
            files={"archive.json": configuration.model_dump_json(indent=2).encode()},
        )

    def await_ready(self) -> Identity:
        """Wait for the control port, which opens after the DICOM port."""
        wait_until(
            self._answers,
            seconds=_START_SECONDS,
            what=f"the profile archive {self._name} ({self.role}) to answer",
            alive=lambda: self._runner.alive(self.role),
            log=lambda: self._runner.log(self.role),
        )
        return Identity(
            stack=self._profile.stack,
            edition="profile",
            version=self._profile.version,
            follows=self._name,
        )

    def configure(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """Put ``settings`` in force for new associations; nothing restarts.

        Raises:
            UnsupportedError: the vendor has no such setting.
        """
        self._refuse_unsupported(settings)
        changes = native_changes(self.dialect, self.settings, settings)
        if settings != self.settings:
            self._call("settings", settings)
            self.settings = settings
            self._runner.rewrite(self.launch())
        return changes

    def read_back(self) -> Native:
        """The settings that the running archive has, in the vendor's words."""
        return self.dialect.translate(ArchiveSettings.model_validate(self._call("settings")))

    def held(self, study_instance_uid: str | None = None) -> tuple[Fingerprint, ...]:
        """Fingerprints of the files that it holds, duplicates kept."""
        answer = self._call("instances", {"study": study_instance_uid})
        return tuple(Fingerprint.model_validate(each["fingerprint"]) for each in answer)

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        """Order it to send a study; the answer is in the vendor's manner."""
        order = ForwardOrder(study=study_instance_uid, to=to)
        return ForwardReport.model_validate(self._call("forward", order, seconds=_FORWARD_SECONDS))

    def schedule(self, schedule: Schedule) -> bool:
        if self._profile.worklist is None:
            return False
        self._call("schedule", schedule)
        return True

    def performed(self) -> tuple[PerformedStep, ...]:
        return tuple(PerformedStep.model_validate(each) for each in self._call("performed"))

    @property
    def worklist_title(self) -> str:
        worklist = self._profile.worklist
        own = None if worklist is None else worklist.aetitle
        return own or self.settings.aetitle

    def empty(self) -> None:
        """Remove every object, its worklist and what modalities reported."""
        self._call("empty")

    def web(self) -> str:
        """Its control channel and its DICOMweb services; a profile archive has no pages."""
        base = f"http://{self._runner.control(self.role, 'web')}"
        rules = self._profile.web
        if rules is None:
            return f"{base} (JSON by POST only)"
        user = f" (user {USER}, {self._web_password})" if self._web_password else ""
        return f"{base}{root_of(rules, self.settings.aetitle)}{user}"

    def dicomweb(self) -> WebTarget:
        """Its own web port, where its profile says how DICOMweb is served.

        Raises:
            UnsupportedError: the profile says nothing of DICOMweb.
        """
        rules = self._profile.web
        if rules is None:
            raise UnsupportedError(
                f"profile {self._name} says nothing of DICOMweb; its file has no section 'web'"
            )
        address = self._place.peers["web"]
        password = self._web_password
        return WebTarget(
            host=address.host,
            port=address.port,
            root=root_of(rules, self.settings.aetitle),
            auth=WebAuth(user=USER, password=password) if password else None,
        )

    def log(self) -> str:
        """The archive's own log; after its end, what it printed."""
        try:
            return "\n".join(self._call("log")["lines"])
        except LabError:
            return self._runner.log(self.role)

    def _configuration(self) -> ServerConfiguration:
        place = self._place
        return ServerConfiguration(
            name=self._name,
            profile=self._profile,
            settings=self.settings,
            host=place.listen["dicom"].host,
            dicom_port=place.listen["dicom"].port,
            web_port=place.listen["web"].port,
            web_password=self._web_password,
            data=place.node_data,
            exchange=place.node_exchange,
        )

    def _answers(self) -> bool:
        host, port = self._runner.control(self.role, "web")
        try:
            call(host, port, "system", timeout=2)
        except ControlError:
            return False
        return True

    def _call(self, verb: str, body: object = None, *, seconds: float = _ANSWER_SECONDS) -> Any:
        host, port = self._runner.control(self.role, "web")
        try:
            return call(host, port, verb, body, timeout=seconds)
        except ControlError as error:
            raise LabError(f"profile archive {self._name} ({self.role}): {error}") from error
