"""Neutral settings in DCM4CHEE's words: attributes of its LDAP device. Pure, no transport.

The names are those of the LDAP schema and of the device JSON that ``/devices/{name}`` speaks
(dcm4che ``dicom.schema``, ``dcm4che.schema``, ``JsonConfiguration``); behaviours are rows F1 to
F28 of docs/archive-facts.md. Three keys stand for many LDAP entries at once:

- ``aes``: the remote AEs by title, as ``GET /aes`` lists them;
- ``dicomTransferCapability (<service> SCP)``: SOP classes of the transfer capabilities with which
  the archive's AE offers that service (one LDAP entry per class);
- ``dicomTransferSyntax (store SCP)``: all transfer syntaxes of the storage ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, get_args

from pydicom.uid import UID

from dicom.datasets.uids import uid_of
from dicom.settings import ArchiveSettings, KnownAE, Service
from orchestrator.stacks.base import Native

#: Connections as DCM4CHEE ships them, and the one that the lab adds for plain TCP to others.
PLAIN: Final = "dicom"
TLS: Final = "dicom-tls"
PLAIN_OUT: Final = "dicom-out"
#: What PS3.15 B.12 (BCP 195 profile) asks for; DCM4CHEE ships with RSA suites only (F19).
CIPHER_SUITES: Final = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
)
SERVICES: Final[tuple[Service, ...]] = get_args(Service)
TRANSFER_SYNTAXES: Final = "dicomTransferSyntax (store SCP)"
REMOTE_AES: Final = "aes"

_VERIFICATION: Final = "1.2.840.10008.1.1"
_OVERWRITE: Final = {"never": "NEVER", "always": "ALWAYS", "same-source": "SAME_SOURCE"}
#: Last component of the Query/Retrieve SOP classes (PS3.4 C.6): 1 FIND, 2 MOVE, 3 GET.
_QUERY_RETRIEVE: Final = "1.2.840.10008.5.1.4.1.2."
_QUERY_RETRIEVE_SERVICES: Final[Mapping[str, Service]] = {"1": "find", "2": "move", "3": "get"}


@dataclass(frozen=True)
class Dcm4cheeDialect:
    """Translation to the attributes of device ``device``.

    Attributes:
        certificates: folder of the run's TLS material as the archive sees it.
        device: ``dicomDeviceName`` of the archive.
    """

    certificates: str = ""
    device: str = "dcm4chee-arc"

    @property
    def where(self) -> str:
        return f"LDAP device {self.device}"

    def unsupported(self, settings: ArchiveSettings) -> Mapping[str, str]:
        reasons: dict[str, str] = {}
        if settings.check_called_aetitle is False:
            reasons["check_called_aetitle"] = (
                "DCM4CHEE has no switch: a called AE title is an AE in LDAP or it is rejected (F1)"
            )
        if settings.case_sensitive_aetitle is False:
            reasons["case_sensitive_aetitle"] = (
                "DCM4CHEE always compares AE titles case-sensitively (F1)"
            )
        if settings.accept_unknown_sop_classes:
            reasons["accept_unknown_sop_classes"] = (
                "DCM4CHEE accepts a SOP class by a transfer capability of its own; LDAP has no"
                " wildcard for one (F3)"
            )
        if settings.synchronous_move is False:
            reasons["synchronous_move"] = (
                "DCM4CHEE always answers a C-MOVE after its sub-operations (F8)"
            )
        return reasons

    def translate(self, settings: ArchiveSettings) -> Native:
        """Device attributes that say what ``settings`` say.

        An empty list of callers means everybody to DCM4CHEE, so nobody is written as nobody but
        the archive itself.
        """
        native: dict[str, object] = {
            "dicomAETitle": settings.aetitle,
            REMOTE_AES: {each.title: remote_ae(each) for each in settings.known_aes},
        }
        callers = settings.accepted_calling_aetitles
        if callers is not None:
            native["dcmAcceptedCallingAETitle"] = sorted(callers) or [settings.aetitle]
        if settings.overwrite_policy is not None:
            native["dcmOverwritePolicy"] = _OVERWRITE[settings.overwrite_policy]
        if settings.max_pdu_length is not None:
            native["dcmReceivePDULength"] = settings.max_pdu_length
        if settings.max_associations is not None:
            native["dcmLimitOpenAssociations"] = settings.max_associations
        if settings.idle_timeout is not None:
            native["dcmIdleTimeout"] = max(1, round(settings.idle_timeout * 1000))
        native.update(self._capabilities(settings))
        native.update(self._tls(settings))
        return native

    @staticmethod
    def _capabilities(settings: ArchiveSettings) -> Native:
        native: dict[str, object] = {}
        if settings.accepted_sop_classes is not None:
            native[capability_key("store")] = sorted_uids(settings.accepted_sop_classes)
        for service in settings.refused_services:
            native[capability_key(service)] = []
        syntaxes = settings.accepted_transfer_syntaxes
        if syntaxes is not None and native.get(capability_key("store")) != []:
            native[TRANSFER_SYNTAXES] = sorted_uids(syntaxes)
        return native

    def _tls(self, settings: ArchiveSettings) -> Native:
        server = settings.tls
        if server is None and not any(each.tls for each in settings.known_aes):
            return {}
        certificate = server.certificate if server else "archive"
        trusted = server.trusted if server else "lab-ca"
        native: dict[str, object] = {
            f"dicomTLSCipherSuite ({TLS})": list(CIPHER_SUITES),
            "dcmKeyStoreURL": f"file://{self.certificates}/{key_store(certificate)}",
            "dcmTrustStoreURL": f"file://{self.certificates}/{trust_store(trusted)}",
        }
        if server is not None:
            native[f"dicomTLSCipherSuite ({PLAIN})"] = list(CIPHER_SUITES)
            native[f"dcmTLSNeedClientAuth ({PLAIN})"] = server.require_client_certificate
        return native


def remote_ae(known: KnownAE) -> dict[str, object]:
    """A line of the ``aes`` table. The suites make DCM4CHEE open TLS to it (F19)."""
    line: dict[str, object] = {"dicomHostname": known.host, "dicomPort": known.port}
    if known.tls:
        line["dicomTLSCipherSuite"] = list(CIPHER_SUITES)
    return line


def capability_key(service: Service) -> str:
    """The key that stands for the transfer capabilities of one service."""
    return f"dicomTransferCapability ({service} SCP)"


def service_of(sop_class_uid: str) -> Service | None:
    """The service that a transfer capability offers; None for worklists, MPPS and the like.

    Private SOP classes are storage: DCM4CHEE ships some sixty of them and no other private ones.
    """
    if sop_class_uid == _VERIFICATION:
        return "echo"
    if sop_class_uid.startswith(_QUERY_RETRIEVE):
        return _QUERY_RETRIEVE_SERVICES.get(sop_class_uid.rpartition(".")[2])
    uid = UID(sop_class_uid)
    known = uid.name != sop_class_uid
    stores = "Storage" in uid.name and "Commitment" not in uid.name
    return "store" if stores or not known else None


def sorted_uids(names: tuple[str, ...]) -> list[str]:
    """UIDs of keywords or UIDs, sorted, each once."""
    return sorted({uid_of(name) for name in names})


def key_store(certificate: str) -> str:
    """File name of the PKCS#12 key store for a certificate of the run."""
    return f"{certificate}.key.p12"


def trust_store(trusted: str) -> str:
    """File name of the PKCS#12 trust store for a certificate authority of the run."""
    return f"{trusted}.trust.p12"
