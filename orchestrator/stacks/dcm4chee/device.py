"""DCM4CHEE's device JSON: laying neutral settings over it, and reading them out of it. Pure.

Shapes are those of dcm4che's ``JsonConfiguration``: extensions lie in ``dcmDevice``,
``dcmNetworkAE``, ``dcmArchiveNetworkAE`` and ``dcmNetworkConnection``; an AE refers to its
connections by index (``/dicomNetworkConnection/0``), so connections are only ever appended.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicom.settings import ArchiveSettings, KnownAE, Service
from orchestrator.errors import LabError
from orchestrator.stacks.base import Native
from orchestrator.stacks.dcm4chee.dialect import (
    PLAIN,
    PLAIN_OUT,
    SERVICES,
    TLS,
    TRANSFER_SYNTAXES,
    Dcm4cheeDialect,
    capability_key,
    remote_ae,
    service_of,
)

Json = dict[str, Any]

#: What dcm4che leaves out of the JSON because it is the default (``Connection``, ``Device``).
_DEFAULT_PDU_LENGTH: Final = 16378
_DEFAULT_SYNTAXES: Final = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
#: Attributes whose value is the AE title of the archive's storing AE, as its LDAP set-up has them.
_TITLE_KEYS: Final = frozenset(
    {
        "dicomAETitle",
        "dcmRetrieveAET",
        "dcmStorageVerificationAETitle",
        "dcmCompressionAETitle",
        "dcmXDSiImagingDocumentSourceAETitle",
        "dcmRejectExpiredStudiesAETitle",
        "dcmRejectionNoteStorageAET",
        "dcmExternalRetrieveAEDestination",
    }
)
_SERVICE_PATH: Final = "dcmWebServicePath"


def configured(
    shipped: Mapping[str, Any],
    title: str,
    settings: ArchiveSettings,
    dialect: Dcm4cheeDialect,
    pin: str = "",
) -> Json:
    """The device ``shipped``, whose storing AE is titled ``title``, with ``settings`` in force.

    Args:
        pin: of the key and trust stores that ``dialect`` names.

    Raises:
        LabError: the device has no such AE.
    """
    device = copy.deepcopy(dict(shipped))
    native = dialect.translate(settings)
    ae = own_ae(device, title)
    extension = ae.setdefault("dcmNetworkAE", {})
    if "dcmAcceptedCallingAETitle" in native:
        extension["dcmAcceptedCallingAETitle"] = native["dcmAcceptedCallingAETitle"]
    if "dcmOverwritePolicy" in native:
        archive = extension.setdefault("dcmArchiveNetworkAE", {})
        archive["dcmOverwritePolicy"] = native["dcmOverwritePolicy"]
    if "dcmLimitOpenAssociations" in native:
        limit = native["dcmLimitOpenAssociations"]
        device.setdefault("dcmDevice", {})["dcmLimitOpenAssociations"] = limit
    for key in ("dcmReceivePDULength", "dcmIdleTimeout"):
        if key in native:
            for connection in _connections_of(device, ae):
                connection.setdefault("dcmNetworkConnection", {})[key] = native[key]
    ae["dicomTransferCapability"] = list(_capabilities(ae, native))
    _set_tls(device, ae, native, pin)
    return device if settings.aetitle == title else _renamed(device, title, settings.aetitle)


def view(device: Mapping[str, Any], title: str) -> dict[str, object]:
    """What ``device`` says in the dialect's keys; ``title`` is that of its storing AE.

    Raises:
        LabError: the device has no such AE.
    """
    ae = own_ae(device, title)
    extension = ae.get("dcmNetworkAE", {})
    archive = extension.get("dcmArchiveNetworkAE", {})
    shared = device.get("dcmDevice", {})
    connections = _connections_of(device, ae)
    seen: dict[str, object] = {
        "dicomAETitle": ae["dicomAETitle"],
        "dcmAcceptedCallingAETitle": sorted(extension.get("dcmAcceptedCallingAETitle", [])),
        "dcmOverwritePolicy": archive.get("dcmOverwritePolicy")
        or shared.get("dcmArchiveDevice", {}).get("dcmOverwritePolicy", "NEVER"),
        "dcmLimitOpenAssociations": shared.get("dcmLimitOpenAssociations", 0),
        "dcmReceivePDULength": _common(connections, "dcmReceivePDULength", _DEFAULT_PDU_LENGTH),
        "dcmIdleTimeout": _common(connections, "dcmIdleTimeout", 0),
    }
    classes: dict[Service, list[str]] = {service: [] for service in SERVICES}
    syntaxes: set[str] = set()
    for capability in ae.get("dicomTransferCapability", []):
        service = _offered(capability)
        if service is not None:
            classes[service].append(capability["dicomSOPClass"])
        if service == "store":
            syntaxes.update(capability.get("dicomTransferSyntax", []))
    seen.update({capability_key(service): sorted(classes[service]) for service in SERVICES})
    seen[TRANSFER_SYNTAXES] = sorted(syntaxes)
    for connection in connections:
        name = connection.get("cn", "")
        if name in (PLAIN, TLS):
            seen[f"dicomTLSCipherSuite ({name})"] = connection.get("dicomTLSCipherSuite", [])
        if name == PLAIN:
            options = connection.get("dcmNetworkConnection", {})
            seen[f"dcmTLSNeedClientAuth ({name})"] = options.get("dcmTLSNeedClientAuth", True)
    for key in ("dcmKeyStoreURL", "dcmTrustStoreURL"):
        seen[key] = shared.get(key, "")
    return seen


def own_ae(device: Mapping[str, Any], title: str) -> Json:
    """The network AE of ``device`` titled ``title``.

    Raises:
        LabError: there is none.
    """
    titles = []
    for ae in device.get("dicomNetworkAE", []):
        if ae["dicomAETitle"] == title:
            found: Json = ae
            return found
        titles.append(ae["dicomAETitle"])
    raise LabError(
        f"device {device.get('dicomDeviceName')} has no AE titled {title!r}; it has"
        f" {', '.join(titles) or 'none'}. Check the AE title that the lab was given."
    )


def remote_device(name: str, known: KnownAE) -> Json:
    """A device for one remote AE (ARCHIVE-side address book entry), to be created as ``name``.

    It has no transfer capabilities: with any, DCM4CHEE would send only what they list (F4c).
    """
    line = remote_ae(known)
    return {
        "dicomDeviceName": name,
        "dicomInstalled": True,
        "dicomNetworkConnection": [{"cn": TLS if known.tls else PLAIN, **line}],
        "dicomNetworkAE": [
            {
                "dicomAETitle": known.title,
                "dicomAssociationInitiator": True,
                "dicomAssociationAcceptor": True,
                "dicomNetworkConnectionReference": ["/dicomNetworkConnection/0"],
            }
        ],
    }


def table_line(ae: Mapping[str, Any]) -> dict[str, object]:
    """An entry of ``GET /aes`` as a line of the ``aes`` table: its first installed connection."""
    for connection in ae.get("dicomNetworkConnection", []):
        if connection.get("dicomInstalled", True) and "dicomPort" in connection:
            keys = ("dicomHostname", "dicomPort", "dicomTLSCipherSuite")
            return {key: connection[key] for key in keys if key in connection}
    return {}


def in_dialect(
    seen: Mapping[str, object], shipped: Mapping[str, object], wanted: Native
) -> dict[str, object]:
    """What of ``seen`` differs from ``shipped`` or is set by ``wanted``: comparable with it."""
    return {key: value for key, value in seen.items() if key in wanted or value != shipped.get(key)}


# --- parts ------------------------------------------------------------------------------------


def _connections_of(device: Mapping[str, Any], ae: Mapping[str, Any]) -> list[Json]:
    connections: list[Json] = device.get("dicomNetworkConnection", [])
    references: Iterable[str] = ae.get("dicomNetworkConnectionReference", [])
    return [connections[int(each.rpartition("/")[2])] for each in references]


def _common(connections: Iterable[Json], key: str, default: int) -> object:
    values = {each.get("dcmNetworkConnection", {}).get(key, default) for each in connections}
    return values.pop() if len(values) == 1 else sorted(values)


def _offered(capability: Mapping[str, Any]) -> Service | None:
    if capability["dicomTransferRole"] != "SCP":
        return None
    return service_of(capability["dicomSOPClass"])


def _capabilities(ae: Mapping[str, Any], native: Native) -> Iterator[Json]:
    """The AE's transfer capabilities, without those that ``native`` does not list any more."""
    accepted = {
        service: set(_strings(native[capability_key(service)]))
        for service in SERVICES
        if capability_key(service) in native
    }
    syntaxes = _strings(native.get(TRANSFER_SYNTAXES, []))
    missing = set(accepted.get("store", ()))
    for capability in ae.get("dicomTransferCapability", []):
        service, sop_class = _offered(capability), capability["dicomSOPClass"]
        if service in accepted and sop_class not in accepted[service]:
            continue
        if service != "store":
            yield capability
            continue
        missing.discard(sop_class)
        yield {**capability, "dicomTransferSyntax": syntaxes} if syntaxes else capability
    for sop_class in sorted(missing):
        yield {
            "cn": f"{UID(sop_class).name} SCP",
            "dicomSOPClass": sop_class,
            "dicomTransferRole": "SCP",
            "dicomTransferSyntax": syntaxes or list(_DEFAULT_SYNTAXES),
        }


def _set_tls(device: Json, ae: Json, native: Native, pin: str) -> None:
    """TLS as ``native`` has it.

    When the archive's own port speaks TLS its AE gets one more connection, which listens nowhere:
    without it DCM4CHEE could no longer open plain connections to others.
    """
    if "dcmKeyStoreURL" not in native:
        return
    shared = device.setdefault("dcmDevice", {})
    for store in ("dcmKeyStore", "dcmTrustStore"):
        shared[f"{store}URL"] = native[f"{store}URL"]
        shared[f"{store}Type"] = "PKCS12"
        shared[f"{store}Pin"] = pin
    shared["dcmKeyStoreKeyPin"] = pin
    by_name = {each.get("cn"): each for each in _connections_of(device, ae)}
    for name in (PLAIN, TLS):
        suites = native.get(f"dicomTLSCipherSuite ({name})")
        if suites is None:
            continue
        if name not in by_name:
            raise LabError(f"the AE {ae['dicomAETitle']} has no connection named {name!r}")
        connection = by_name[name]
        if name == PLAIN:
            plain = {key: value for key, value in connection.items() if key != "dicomPort"}
            _append_connection(device, ae, {**copy.deepcopy(plain), "cn": PLAIN_OUT})
            options = connection.setdefault("dcmNetworkConnection", {})
            options["dcmTLSNeedClientAuth"] = native[f"dcmTLSNeedClientAuth ({PLAIN})"]
        connection["dicomTLSCipherSuite"] = suites


def _append_connection(device: Json, ae: Json, connection: Json) -> None:
    connections = device["dicomNetworkConnection"]
    connections.append(connection)
    ae["dicomNetworkConnectionReference"] = [
        *ae["dicomNetworkConnectionReference"],
        f"/dicomNetworkConnection/{len(connections) - 1}",
    ]


def _renamed(part: Any, old: str, new: str) -> Any:
    """``part`` of a device with the storing AE's title changed wherever it is referred to."""
    if isinstance(part, list):
        return [_renamed(each, old, new) for each in part]
    if not isinstance(part, dict):
        return part
    return {key: _renamed_value(key, value, old, new) for key, value in part.items()}


def _renamed_value(key: str, value: Any, old: str, new: str) -> Any:
    if key in _TITLE_KEYS:
        if isinstance(value, list):
            return [new if each == old else each for each in value]
        return new if value == old else value
    if key == _SERVICE_PATH and isinstance(value, str):
        before, aets, rest = value.partition("/aets/")
        title, slash, below = rest.partition("/")
        return f"{before}{aets}{new if title == old else title}{slash}{below}"
    return _renamed(value, old, new)


def _strings(value: object) -> list[str]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list of UIDs, saw {value!r}")
    return value
