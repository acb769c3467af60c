"""Neutral settings in Orthanc's words: the keys of ``orthanc.json``. Pure, no transport.

Key names and defaults are those of the Orthanc Book and of Orthanc's own sample configuration
(``Orthanc --config``); behaviours are rows F1 to F28 of docs/archive-facts.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from packaging.version import Version

from dicom.datasets.uids import uid_of
from dicom.settings import ArchiveSettings, KnownAE, Service
from orchestrator.stacks.base import Native

#: Service in our words to the infix of ``DicomAlwaysAllow…`` and ``Allow…``.
_SERVICES: Final[Mapping[Service, str]] = {
    "echo": "Echo",
    "store": "Store",
    "find": "Find",
    "move": "Move",
    "get": "Get",
}
#: The key of the table of remote AEs.
MODALITIES: Final = "DicomModalities"
#: What Orthanc allows to callers that are not in its table (F2a, F2b).
_OPEN_TO_STRANGERS: Final = frozenset({"echo", "store"})
#: First version that knows ``AcceptedSopClasses`` (F3).
_SOP_CLASS_LIST_SINCE: Final = Version("1.12.6")


@dataclass(frozen=True)
class OrthancDialect:
    """Translation for one version (None: the newest known behaviour).

    Attributes:
        version: Orthanc's version as ``GET /system`` reports it.
        certificates: folder of the run's TLS material as Orthanc sees it.
    """

    version: str | None = None
    certificates: str = ""
    where: str = "orthanc.json"

    def unsupported(self, settings: ArchiveSettings) -> Mapping[str, str]:
        """Settings that Orthanc, or this version of it, does not have."""
        reasons: dict[str, str] = {}
        if settings.max_associations is not None:
            reasons["max_associations"] = "Orthanc has no limit on open associations (F5)"
        if settings.overwrite_policy == "same-source":
            reasons["overwrite_policy"] = "Orthanc overwrites never or always (F13a)"
        if settings.accepted_sop_classes is not None and self._older_than(_SOP_CLASS_LIST_SINCE):
            reasons["accepted_sop_classes"] = (
                f"AcceptedSopClasses exists since Orthanc {_SOP_CLASS_LIST_SINCE},"
                f" this is {self.version} (F3)"
            )
        return reasons

    def translate(self, settings: ArchiveSettings) -> Native:
        """``orthanc.json`` keys that say what ``settings`` say."""
        native: dict[str, object] = {
            "DicomAet": settings.aetitle,
            MODALITIES: self.modalities(settings),
        }
        _set(native, "DicomCheckCalledAet", settings.check_called_aetitle)
        _set(native, "StrictAetComparison", settings.case_sensitive_aetitle)
        _set(native, "MaximumPduLength", settings.max_pdu_length)
        _set(native, "SynchronousCMove", settings.synchronous_move)
        _set(native, "UnknownSopClassAccepted", settings.accept_unknown_sop_classes)
        if settings.idle_timeout is not None:
            native["DicomScpTimeout"] = max(1, round(settings.idle_timeout))
        if settings.overwrite_policy is not None:
            native["OverwriteInstances"] = settings.overwrite_policy != "never"
        if settings.accepted_sop_classes is not None:
            native["AcceptedSopClasses"] = [uid_of(name) for name in settings.accepted_sop_classes]
        if settings.accepted_transfer_syntaxes is not None:
            native["AcceptedTransferSyntaxes"] = [
                uid_of(name) for name in settings.accepted_transfer_syntaxes
            ]
        native.update(self._open_services(settings))
        native.update(self._tls(settings))
        return native

    def _older_than(self, version: Version) -> bool:
        return self.version is not None and Version(self.version) < version

    def _open_services(self, settings: ArchiveSettings) -> Native:
        """``DicomAlwaysAllow…``: what callers outside the table may do.

        Only when every one of them is off does Orthanc reject the association itself; otherwise
        it accepts and aborts at the request (F2c, F2d).
        """
        closed = settings.accepted_calling_aetitles is not None
        if not closed and not settings.refused_services:
            return {}
        allowed = {
            f"DicomAlwaysAllow{word}": not closed
            and service in _OPEN_TO_STRANGERS
            and service not in settings.refused_services
            for service, word in _SERVICES.items()
        }
        return {**allowed, "DicomAlwaysAllowFindWorklist": False}

    def modalities(self, settings: ArchiveSettings) -> dict[str, dict[str, object]]:
        """``DicomModalities``: the table of remote AEs, entry by entry."""
        known = {entry.title: entry for entry in settings.known_aes}
        accepted = settings.accepted_calling_aetitles
        for title in accepted or ():
            # A caller is accepted by being in the table; where it listens does not matter then.
            known.setdefault(title, KnownAE(title=title, host="127.0.0.1", port=104))
        return {
            entry_name(entry): self._modality(
                entry,
                refused=tuple(_SERVICES)
                if accepted is not None and title not in accepted
                else settings.refused_services,
            )
            for title, entry in sorted(known.items())
        }

    @staticmethod
    def _modality(entry: KnownAE, refused: tuple[Service, ...]) -> dict[str, object]:
        modality: dict[str, object] = {"AET": entry.title, "Host": entry.host, "Port": entry.port}
        if entry.tls:
            modality["UseDicomTls"] = True
        modality.update({f"Allow{_SERVICES[service]}": False for service in sorted(refused)})
        return modality

    def _tls(self, settings: ArchiveSettings) -> Native:
        outgoing = any(entry.tls for entry in settings.known_aes)
        if settings.tls is None and not outgoing:
            return {}
        server = settings.tls
        certificate = server.certificate if server else "archive"
        trusted = server.trusted if server else "lab-ca"
        return {
            "DicomTlsEnabled": server is not None,
            "DicomTlsCertificate": f"{self.certificates}/{certificate}.pem",
            "DicomTlsPrivateKey": f"{self.certificates}/{certificate}.key",
            "DicomTlsTrustedCertificates": f"{self.certificates}/{trusted}.pem",
            "DicomTlsRemoteCertificateRequired": (
                server.require_client_certificate if server else True
            ),
        }


def as_written(table: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    """A table as ``GET /modalities?expand`` gives it, cut down to what this dialect writes.

    Orthanc adds every key that an entry can have, more in each version; ours are only those that
    differ from what an entry has anyway.
    """
    allowed = {f"Allow{word}" for word in _SERVICES.values()}
    return {
        name: {
            key: value
            for key, value in entry.items()
            if key in ("AET", "Host", "Port")
            or (key == "UseDicomTls" and value is True)
            or (key in allowed and value is False)
        }
        for name, entry in table.items()
    }


def entry_name(entry: KnownAE) -> str:
    """The key of an entry in ``DicomModalities``, by which the REST API knows it too."""
    return entry.name or entry.title


def _set(native: dict[str, object], key: str, value: object) -> None:
    if value is not None:
        native[key] = value
