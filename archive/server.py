"""The running profile archive: DICOM port, control port, objects, settings in force."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Lock
from typing import Any

from archive.commitment import Committer
from archive.configuration import ForwardOrder, ServerConfiguration, SystemAnswer
from archive.conversation import Conversation
from archive.forwarding import forward
from archive.journal import Journal
from archive.policy import Policy
from archive.receive import Receiver
from archive.retrieve import in_order
from archive.sender import Sender
from archive.store import Held, ObjectStore
from archive.web.handler import web_handler
from archive.web.service import DicomWebService
from archive.workflow import Workflow
from dicom.association.accepted import AcceptedAssociation, AssociationEndedError
from dicom.association.ends import Tls
from dicom.association.port import DicomPort
from dicom.association.tls import client_context, server_context
from dicom.control import ControlHandler, ControlServer, Verb
from dicom.datasets.part10 import fingerprint_of
from dicom.errors import UsageError
from dicom.forwarding import ForwardReport
from dicom.settings import ArchiveSettings, TlsServer
from dicom.workflow.schedule import Schedule


class _InForce:
    """Settings with what follows from them; replaced as a whole."""

    def __init__(self, configuration: ServerConfiguration, settings: ArchiveSettings) -> None:
        self.policy = Policy(configuration.profile, settings)
        self.given = settings
        exchange = Path(configuration.exchange)
        speaks_tls = settings.tls is not None
        self.server_tls: ssl.SSLContext | None = None
        self.client_tls: ssl.SSLContext | None = None
        if speaks_tls:
            self.server_tls = server_context(_material(configuration, settings.tls), exchange)
        if any(entry.tls for entry in settings.known_aes):
            self.client_tls = client_context(_material(configuration, settings.tls), exchange)


def _material(configuration: ServerConfiguration, given: TlsServer | None) -> Tls:
    """PEM files of the lab by the names that the settings use; host names are not checked (F19)."""
    tls = given or TlsServer()
    rules = configuration.profile.tls
    return Tls(
        trusted=f"tls/{tls.trusted}.pem",
        certificate=f"tls/{tls.certificate}.pem",
        key=f"tls/{tls.certificate}.key",
        require_peer_certificate=tls.require_client_certificate,
        minimum_version=rules.minimum_version,
        maximum_version=rules.maximum_version,
        ciphers=rules.ciphers,
    )


def _occupied(host: str, port: int, error: OSError) -> UsageError:
    return UsageError(
        f"the archive can't listen on {host}:{port}: {error.strerror};"
        " free the port or choose another"
    )


class ProfileServer:
    """One archive that follows a vendor profile; answers from the moment it is made.

    Args:
        configuration: profile, settings, addresses, folders.
        echo: print the log's lines to standard output as well.

    Raises:
        UsageError: a port can't be bound.
        UsageError: the TLS material that the settings name is missing or does not fit.
    """

    def __init__(self, configuration: ServerConfiguration, *, echo: bool = False) -> None:
        self._configuration = configuration
        self._journal = Journal(echo=echo)
        self._in_force = _InForce(configuration, configuration.settings)
        self._lock = Lock()
        self._open = 0
        profile = configuration.profile
        self._store = ObjectStore(Path(configuration.data), profile.receipt.identity)
        self._receiver = Receiver(self._store, self._journal.write)
        committer = Committer(
            self._store,
            lambda: self._in_force.policy,
            lambda: self._in_force.client_tls,
            self._journal.write,
        )
        self._workflow = Workflow(committer, self._journal.write)
        try:
            self._port = DicomPort(
                (configuration.host, configuration.dicom_port),
                profile.admission,
                lambda: self._in_force.server_tls,
                self._serve,
                self._journal.write,
                self._unsecured,
            )
        except OSError as error:
            self._store.close()
            raise _occupied(configuration.host, configuration.dicom_port, error) from error
        self.dicom_port = self._port.port
        try:
            self._control = ControlServer(
                self._verbs(), configuration.host, configuration.web_port, self._web_handler()
            )
        except OSError as error:
            self._port.stop()
            self._store.close()
            raise _occupied(configuration.host, configuration.web_port, error) from error
        self.web_port = self._control.port
        self._stopped = False
        self._journal.write(
            f"{configuration.name} listening on {configuration.host}:{self.dicom_port}"
            f" as {configuration.settings.aetitle}"
        )

    def stop(self) -> None:
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        self._port.stop()
        self._control.stop()
        self._workflow.stop()
        self._store.close()
        self._journal.write("stopped")

    @property
    def settings(self) -> ArchiveSettings:
        """The settings as they were given; None still means the vendor's default."""
        return self._in_force.given

    def configure(self, settings: ArchiveSettings) -> None:
        """Put ``settings`` in force for new associations, at once.

        Raises:
            UsageError: TLS material is missing or does not fit; nothing is changed then.
        """
        self._in_force = _InForce(self._configuration, settings)
        self._journal.write(f"settings changed: {settings.model_dump_json(exclude_defaults=True)}")

    def held(self, study: str | None = None) -> tuple[Held, ...]:
        """All objects, or those of one study."""
        return self._store.select(None if study is None else {"StudyInstanceUID": (study,)})

    def forward(self, order: ForwardOrder) -> ForwardReport:
        """Send a study to a known AE and answer as the vendor's web interface does."""
        policy = self._in_force.policy
        held = in_order(self.held(order.study), policy.profile.retrieve)

        def make_sender(title: str, objects: Sequence[Held]) -> Sender:
            return self._make_sender(policy, title, objects)

        return forward(policy, order.to, held, make_sender, self._journal.write)

    def _serve(self, connection: socket.socket, peer: str, settled: Event) -> None:
        policy = self._in_force.policy
        admission = policy.profile.admission
        association = AcceptedAssociation(
            connection, peer, policy.profile.negotiation, policy.settings.idle_timeout
        )
        try:
            association.read_request(admission.association_timeout, admission.hasty_pdu)
        except AssociationEndedError as ended:
            self._journal.write(f"connection from {peer} ended: {ended}")
            return
        conversation = Conversation(
            policy,
            association,
            self._store,
            self._receiver,
            self._make_sender,
            self._workflow,
            self._journal.write,
        )
        with self._lock:
            others = self._open
            self._open += 1
        try:
            if conversation.admit(others):
                settled.set()
                conversation.serve()
        finally:
            with self._lock:
                self._open -= 1

    def _unsecured(self, peer: str, error: Exception) -> None:
        self._journal.write(f"TLS handshake with {peer} failed: {error}")

    def _make_sender(self, policy: Policy, title: str, objects: Sequence[Held]) -> Sender:
        entry = policy.known(title)
        if entry is None:
            raise LookupError(f"{title} is not in the table of known AEs")
        return Sender(policy, entry, objects, self._in_force.client_tls)

    def _web_handler(self) -> type[ControlHandler] | None:
        rules = self._configuration.profile.web
        if rules is None:
            return None
        return web_handler(
            DicomWebService(
                rules,
                lambda: self._in_force.policy,
                self._store,
                self._receiver,
                self._configuration.web_password,
                self._journal.write,
            )
        )

    def _verbs(self) -> Mapping[str, Verb]:
        return {
            "system": self._system_verb,
            "settings": self._settings_verb,
            "instances": self._instances_verb,
            "forward": lambda body: self.forward(ForwardOrder.model_validate(body)),
            "empty": self._empty_verb,
            "schedule": self._schedule_verb,
            "performed": lambda _: [each.model_dump() for each in self._workflow.steps.performed()],
            "log": self._log_verb,
        }

    def _system_verb(self, _: Any) -> SystemAnswer:
        configuration = self._configuration
        return SystemAnswer(
            name=configuration.settings.aetitle,
            stack=configuration.profile.stack,
            version=configuration.profile.version,
            profile=configuration.name,
            dicom_port=self.dicom_port,
        )

    def _settings_verb(self, body: Any) -> ArchiveSettings:
        if body is not None:
            self.configure(ArchiveSettings.model_validate(body))
        return self.settings

    def _instances_verb(self, body: Any) -> object:
        study = (body or {}).get("study")
        return [
            {
                "number": held.number,
                "path": str(held.path),
                "fingerprint": fingerprint_of(held.path).model_dump(),
            }
            for held in self.held(study)
        ]

    def _empty_verb(self, _: Any) -> object:
        self._workflow.forget()
        return {"removed": self._store.clear()}

    def _schedule_verb(self, body: Any) -> object:
        self._workflow.schedule = Schedule.model_validate(body)
        return {"steps": len(self._workflow.schedule.steps)}

    def _log_verb(self, body: Any) -> object:
        written, lines = self._journal.since(int((body or {}).get("since", 0)))
        return {"next": written, "lines": lines}
