"""A DCM4CHEE that speaks the documented REST API with its documented answers, and remembers.

What matters is modelled: a device takes effect at ``ctrl/reload`` only, an AE that was asked for
before it existed stays unknown until then (F18b), defaults are left out of the device JSON, the
order of LDAP entries means nothing, a study is deleted only after it was rejected.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pydicom import dcmread

Json = dict[str, Any]
Answer = tuple[int, object, dict[str, str]]

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
JPEG2000 = "1.2.840.10008.1.2.4.90"
CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
PRIVATE = "1.2.840.113619.4.3"
VERIFICATION, MPPS = "1.2.840.10008.1.1", "1.2.840.10008.3.1.2.3.3"
STUDY_FIND, STUDY_MOVE, STUDY_GET = (f"1.2.840.10008.5.1.4.1.2.2.{n}" for n in (1, 2, 3))
PATIENT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"


def capability(sop_class: str, role: str, *syntaxes: str) -> Json:
    return {
        "cn": f"{sop_class} {role}",
        "dicomSOPClass": sop_class,
        "dicomTransferRole": role,
        "dicomTransferSyntax": list(syntaxes),
        "dcmTransferCapability": {},
    }


def shipped_device() -> Json:
    """The shape of device dcm4chee-arc as it is shipped, with a few of its 250 SOP classes."""
    times = {"dcmTCPConnectTimeout": 5000, "dcmAARQTimeout": 5000, "dcmIdleTimeout": 300000}
    suites = ["TLS_RSA_WITH_AES_128_CBC_SHA", "SSL_RSA_WITH_3DES_EDE_CBC_SHA"]
    return {
        "dicomDeviceName": "dcm4chee-arc",
        "dicomManufacturer": "dcm4che.org",
        "dicomSoftwareVersion": ["5.35.0", "674a864", "2026-06-15T10:00:00+0200"],
        "dicomVendorData": True,
        "dicomInstalled": True,
        "dicomNetworkConnection": [
            {
                "cn": "hl7",
                "dicomHostname": "archive",
                "dicomPort": 2575,
                "dcmNetworkConnection": {"dcmProtocol": "HL7"},
            },
            {
                "cn": "dicom",
                "dicomHostname": "archive",
                "dicomPort": 11112,
                "dcmNetworkConnection": dict(times),
            },
            {
                "cn": "dicom-tls",
                "dicomHostname": "archive",
                "dicomPort": 2762,
                "dicomTLSCipherSuite": suites,
                "dcmNetworkConnection": dict(times),
            },
        ],
        "dicomNetworkAE": [
            {
                "dicomAETitle": "DCM4CHEE",
                "dicomAssociationInitiator": True,
                "dicomAssociationAcceptor": True,
                "dicomNetworkConnectionReference": [
                    "/dicomNetworkConnection/1",
                    "/dicomNetworkConnection/2",
                ],
                "dicomTransferCapability": [
                    capability(VERIFICATION, "SCP", IMPLICIT),
                    capability(CT, "SCP", IMPLICIT, EXPLICIT, JPEG2000),
                    capability(MR, "SCP", IMPLICIT, EXPLICIT),
                    capability(PRIVATE, "SCP", IMPLICIT, EXPLICIT),
                    capability(STUDY_FIND, "SCP", IMPLICIT),
                    capability(PATIENT_FIND, "SCP", IMPLICIT),
                    capability(STUDY_MOVE, "SCP", IMPLICIT),
                    capability(STUDY_GET, "SCP", IMPLICIT),
                    capability(MPPS, "SCP", IMPLICIT),
                    capability(CT, "SCU", IMPLICIT, EXPLICIT, JPEG2000),
                ],
                "dcmNetworkAE": {"dcmArchiveNetworkAE": {"dcmObjectStorageID": ["fs1"]}},
            },
            {
                "dicomAETitle": "AS_RECEIVED",
                "dicomAssociationInitiator": True,
                "dicomAssociationAcceptor": True,
                "dicomNetworkConnectionReference": ["/dicomNetworkConnection/1"],
                "dicomTransferCapability": [capability(STUDY_FIND, "SCP", IMPLICIT)],
                "dcmNetworkAE": {"dcmArchiveNetworkAE": {}},
            },
        ],
        "dcmDevice": {
            "dcmKeyStoreURL": "file://${env.KEYSTORE}",
            "dcmTrustStoreURL": "file://${env.TRUSTSTORE}",
            "dcmWebApp": [
                {
                    "dcmWebAppName": "DCM4CHEE",
                    "dcmWebServicePath": "/dcm4chee-arc/aets/DCM4CHEE/rs",
                    "dcmWebServiceClass": ["QIDO_RS", "WADO_RS", "DCM4CHEE_ARC_AET"],
                    "dicomAETitle": "DCM4CHEE",
                },
                {
                    "dcmWebAppName": "AS_RECEIVED",
                    "dcmWebServicePath": "/dcm4chee-arc/aets/AS_RECEIVED/rs",
                    "dcmWebServiceClass": ["QIDO_RS", "WADO_RS"],
                    "dicomAETitle": "AS_RECEIVED",
                },
            ],
            "dcmArchiveDevice": {
                "dcmOverwritePolicy": "SAME_SOURCE",
                "dcmRejectionNoteStorageAET": "DCM4CHEE",
                "dcmStorageVerificationAETitle": "DCM4CHEE",
            },
        },
    }


def remote(name: str, *titles: str, host: str = "storescp", port: int = 11117) -> Json:
    return {
        "dicomDeviceName": name,
        "dicomInstalled": True,
        "dicomNetworkConnection": [{"cn": "dicom", "dicomHostname": host, "dicomPort": port}],
        "dicomNetworkAE": [
            {
                "dicomAETitle": title,
                "dicomNetworkConnectionReference": ["/dicomNetworkConnection/0"],
            }
            for title in titles
        ],
    }


@dataclass
class FakeDcm4chee:
    """Its state; ``calls`` lists every request that could change something, in order."""

    devices: dict[str, Json] = field(
        default_factory=lambda: {
            "dcm4chee-arc": shipped_device(),
            "storescp": remote("storescp", "STORESCP"),
        }
    )
    studies: dict[str, list[bytes]] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    bodies: list[Json] = field(default_factory=list)
    authorizations: set[str] = field(default_factory=set)
    status: str = "STARTED"
    echo_code: int = 0
    page_limit: int = 1000
    fail_next: dict[str, Answer] = field(default_factory=dict)
    url: str = ""
    _running: Json = field(default_factory=dict)
    _cache: dict[str, bool] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.reload()

    @property
    def running(self) -> Json:
        """The device that the archive works with: the one at its last reload."""
        return self._running

    def reload(self) -> None:
        self._running = copy.deepcopy(self.devices["dcm4chee-arc"])
        self._cache.clear()

    def knows(self, title: str) -> bool:
        """Whether the archive finds an AE, with its negative cache."""
        if title not in self._cache:
            self._cache[title] = any(title in _titles(each) for each in self.devices.values())
        return self._cache[title]

    def web_titles(self) -> set[str]:
        paths = [app["dcmWebServicePath"] for app in self._running["dcmDevice"]["dcmWebApp"]]
        return {path.split("/")[3] for path in paths}

    def answer(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        with self._lock:
            parts = urlsplit(target)
            path = unquote(parts.path).removeprefix("/dcm4chee-arc")
            if "Authorization" in headers:
                self.authorizations.add(headers["Authorization"])
            if method != "GET":
                self.calls.append(f"{method} {target.removeprefix('/dcm4chee-arc')}")
            for start in [each for each in self.fail_next if f"{method} {path}".startswith(each)]:
                return self.fail_next.pop(start)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            return self._route(method, path, query, body, headers)

    def _route(
        self, method: str, path: str, query: dict[str, str], body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        if path == "/ctrl/status":
            return 200, {"status": self.status}, {}
        if (method, path) == ("POST", "/ctrl/reload"):
            self.reload()
            return 204, None, {}
        if path == "/aes":
            return 200, list(self._aes()), {}
        if found := re.fullmatch("/devices/(.+)", path):
            return self._device(method, found[1], body)
        if found := re.fullmatch("/aets/([^/]+)/dimse/([^/]+)", path):
            return self._echo(found[1])
        if found := re.fullmatch("/aets/([^/]+)/rs(/.*)", path):
            title, below = found[1], found[2]
            if title not in self.web_titles():
                return _error(404, f"No such Application Entity: {title}")
            if (method, below) == ("POST", "/studies"):
                return self._stow(headers.get("Content-Type", ""), body)
            return self._objects(method, title, below, query, headers)
        return 404, "<html>no such page</html>", {}

    def _echo(self, own: str) -> Answer:
        if own not in _titles(self._running):
            return _error(404, f"No such Application Entity: {own}")
        if self.echo_code:
            return 200, {"result": str(self.echo_code), "errorMessage": "Failed to connect"}, {}
        return 200, {"result": "0", "connectionTime": "1", "echoTime": "1"}, {}

    def _aes(self) -> Iterator[Json]:
        for name, device in self.devices.items():
            connections = device["dicomNetworkConnection"]
            for ae in device["dicomNetworkAE"]:
                references = ae.get("dicomNetworkConnectionReference", [])
                shown = [connections[int(each.rpartition("/")[2])] for each in references]
                keys = ("cn", "dicomHostname", "dicomPort", "dicomTLSCipherSuite")
                yield {
                    "dicomDeviceName": name,
                    "dicomAETitle": ae["dicomAETitle"],
                    "dicomNetworkConnection": [
                        {key: each[key] for key in keys if key in each} for each in shown
                    ],
                }

    def _device(self, method: str, name: str, body: bytes) -> Answer:
        if method == "GET":
            device = self.devices.get(name)
            if device is None:
                return _error(404, f"no such device {name}")
            return 200, _as_ldap_lists_it(device), {}
        if method == "DELETE":
            known = self.devices.pop(name, None)
            return (204, None, {}) if known else _error(404, f"no such device {name}")
        device = json.loads(body)
        self.bodies.append(device)
        problem = _malformed(name, device)
        if problem:
            return _error(400, problem)
        if method == "POST" and name in self.devices:
            return _error(409, f"device {name} already exists")
        if method == "PUT" and name not in self.devices:
            return _error(404, f"no such device {name}")
        taken = {
            title
            for other, each in self.devices.items()
            if other != name
            for title in _titles(each)
        }
        if taken & _titles(device):
            return _error(409, f"AE titles already registered: {sorted(taken & _titles(device))}")
        self.devices[name] = device
        return 204, None, {}

    def _objects(
        self, method: str, title: str, path: str, query: dict[str, str], headers: Mapping[str, str]
    ) -> Answer:
        if method == "GET" and path == "/studies":
            return self._qido(query)
        found = re.fullmatch(r"/studies/([0-9.]+)(/.*)?", path)
        if found is None:
            return 404, "<html>no such page</html>", {}
        uid, action = found[1], found[2] or ""
        if method == "GET":
            return self._wado(uid, headers.get("Accept", ""))
        if method == "POST" and action.startswith("/export/dicom:"):
            return self._export(uid, action.removeprefix("/export/dicom:"))
        if (method, action) == ("POST", "/reject/113001^DCM"):
            if uid not in self.studies or uid in self.rejected:
                return _error(404, f"No instances of Study[UID={uid}] found for rejection.")
            self.rejected.add(uid)
            return 200, {"count": len(self.studies[uid])}, {}
        if (method, action) == ("DELETE", ""):
            if uid not in self.studies:
                return _error(404, f"No study found for {uid}")
            if uid not in self.rejected:
                return _error(403, "Deletion of Study with Rejection State: NONE not permitted")
            del self.studies[uid]
            self.rejected.discard(uid)
            return 204, None, {}
        return 405, None, {}

    def _qido(self, query: dict[str, str]) -> Answer:
        wanted = query.get("StudyInstanceUID")
        found = [uid for uid in self.studies if wanted in (None, uid)]
        offset, limit = int(query.get("offset", "0")), int(query.get("limit", "0"))
        size = min(limit or self.page_limit, self.page_limit)
        page = found[offset : offset + size]
        if not page:
            return 204, None, {}
        answer = [{"0020000D": {"vr": "UI", "Value": [uid]}} for uid in page]
        return 200, answer, {"Content-Type": "application/dicom+json"}

    def _stow(self, content_type: str, body: bytes) -> Answer:
        if not content_type.startswith('multipart/related; type="application/dicom"'):
            return 415, "", {}
        boundary = content_type.rpartition("boundary=")[2].encode()
        parts = body.split(b"--" + boundary)[1:-1]
        contents = [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts]
        good = [each for each in contents if each[128:132] == b"DICM"]
        self.hold(*good)
        if len(good) == len(contents):
            return 200, {}, {}
        return (202 if good else 409), {}, {"Warning": "299 archive:8080 some failed"}

    def _wado(self, uid: str, accept: str) -> Answer:
        if "transfer-syntax=*" not in accept or "multipart/related" not in accept:
            return 406, "", {}
        if uid not in self.studies:
            return _error(404, "No matches found.")
        part = b"--bound\r\nContent-Type: application/dicom\r\n\r\n%s\r\n"
        body = b"".join(part % content for content in self.studies[uid]) + b"--bound--"
        kind = 'multipart/related;boundary=bound;type="application/dicom"'
        return 200, body, {"Content-Type": kind}

    def _export(self, uid: str, to: str) -> Answer:
        if not self.knows(to):
            return _error(404, f"Unknown AE: {to}")
        return 200, {"completed": len(self.studies.get(uid, []))}, {}

    def hold(self, *files: bytes) -> None:
        """Take objects in, as after a C-STORE."""
        for content in files:
            uid = str(dcmread(BytesIO(content)).StudyInstanceUID)
            self.studies.setdefault(uid, []).append(content)


def _titles(device: Json) -> set[str]:
    return {ae["dicomAETitle"] for ae in device["dicomNetworkAE"]}


def _error(status: int, message: str) -> Answer:
    return status, json.dumps({"errorMessage": message}), {"Content-Type": "text/plain"}


def _malformed(name: str, device: Json) -> str:
    """What dcm4che's streaming JSON reader or the LDAP schema would not take."""
    if device.get("dicomDeviceName") != name:
        return f"device name {device.get('dicomDeviceName')} in the body of /devices/{name}"
    keys = list(device)
    if keys.index("dicomNetworkConnection") > keys.index("dicomNetworkAE"):
        return "dicomNetworkConnectionReference before dicomNetworkConnection"
    for connection in device["dicomNetworkConnection"]:
        if not isinstance(connection.get("dicomPort", 104), int):
            return "Unexpected VALUE_STRING, expected VALUE_NUMBER"
    for ae in device["dicomNetworkAE"]:
        for reference in ae.get("dicomNetworkConnectionReference", []):
            if int(reference.rpartition("/")[2]) >= len(device["dicomNetworkConnection"]):
                return f"no connection {reference}"
        for each in ae.get("dicomTransferCapability", []):
            if not each["dicomTransferSyntax"] or not re.fullmatch(
                r"[0-9.]+", each["dicomSOPClass"]
            ):
                return f"object class violation: {each['cn']}"
    return ""


def _as_ldap_lists_it(device: Json) -> Json:
    """The device as GET returns it: other order of entries, defaults left out."""
    listed = copy.deepcopy(device)
    for ae in listed["dicomNetworkAE"]:
        ae.get("dicomTransferCapability", []).reverse()
    for connection in listed["dicomNetworkConnection"]:
        options = connection.get("dcmNetworkConnection", {})
        if options.get("dcmReceivePDULength") == 16378:
            del options["dcmReceivePDULength"]
    return listed


@contextmanager
def serving(fake: FakeDcm4chee) -> Iterator[FakeDcm4chee]:
    """The fake behind HTTP on loopback; ``fake.url`` is its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            status, content, headers = fake.answer(
                self.command, self.path, body, dict(self.headers.items())
            )
            if isinstance(content, bytes):
                payload = content
            elif isinstance(content, str):
                payload = content.encode()
            else:
                payload = b"" if content is None else json.dumps(content).encode()
                headers = {"Content-Type": "application/json", **headers}
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
