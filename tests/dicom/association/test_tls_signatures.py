"""What a failed DICOM TLS handshake looks like from the SCU, alert by alert."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dicom.association.ends import Caller, Target, Tls
from dicom.association.tls import client_context
from dicom.errors import UsageError
from modalities.commands import Report
from modalities.nodes.node import ModalityNode
from modalities.scp import server
from modalities.services.echo import Echo
from modalities.services.listen import Listen, Received
from tests.modalities.peers import Conversation, Script, ScriptedPeers, impatient
from tests.peers import LOOPBACK, PATIENCE

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A CA that signs good and bad certificates into one folder."""

    folder: Path
    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def create(cls, folder: Path, name: str) -> Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(name, name, key, key, ca=True)
        (folder / f"{name}.pem").write_bytes(_pem(certificate))
        return cls(folder, name, key, certificate)

    def issue(
        self,
        name: str,
        *,
        starts: datetime.timedelta = -DAY,
        ends: datetime.timedelta = DAY,
        purpose: x509.ObjectIdentifier | None = None,
        address: str = LOOPBACK,
    ) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(
            name, self.name, key, self.key, starts=starts, ends=ends, purpose=purpose, san=address
        )
        (self.folder / f"{name}.pem").write_bytes(_pem(certificate))
        (self.folder / f"{name}.key").write_bytes(_private_pem(key))


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _sign(
    subject: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    ca: bool = False,
    starts: datetime.timedelta = -DAY,
    ends: datetime.timedelta = DAY,
    purpose: x509.ObjectIdentifier | None = None,
    san: str = LOOPBACK,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + starts)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(san))]), critical=False
        )
    )
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.sign(signer, hashes.SHA256())


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates by name: what is wrong with each is its name."""
    folder = tmp_path_factory.mktemp("pem")
    lab, other = Authority.create(folder, "lab-ca"), Authority.create(folder, "other-ca")
    lab.issue("good")
    lab.issue("expired", starts=-2 * DAY, ends=-DAY)
    lab.issue("future", starts=DAY, ends=2 * DAY)
    lab.issue("client-only", purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
    lab.issue("elsewhere", address="192.0.2.1")
    other.issue("foreign")
    key = ec.generate_private_key(ec.SECP256R1())
    (folder / "self-signed.pem").write_bytes(_pem(_sign("self", "self", key, key)))
    (folder / "self-signed.key").write_bytes(_private_pem(key))
    return folder


def tls(certificate: str | None, trusted: str | None = "lab-ca.pem", **more: object) -> Tls:
    files = {
        "trusted": trusted,
        "certificate": f"{certificate}.pem" if certificate else None,
        "key": f"{certificate}.key" if certificate else None,
    }
    return Tls.model_validate({**files, **more})


def stopped_at(report: Report) -> str:
    return f"{report.outcome.rung.value}: {report.outcome.signature}"


class Lab:
    """A workstation that listens with TLS and a CT that calls it, sharing ``material``."""

    def __init__(self, material: Path, caller: Caller) -> None:
        self.ct, self.workstation = ModalityNode("ct", material), ModalityNode("ws", material)
        self.caller = caller

    def echo(self, client: Tls | None, server: Tls | None) -> Report:
        port = self.workstation.run(Listen(aetitle="WS", port=0, tls=server)).port
        target = Target(host=LOOPBACK, port=port, called="WS", tls=client)
        return self.ct.run(Echo(target=target, caller=self.caller))


@pytest.fixture
def lab(material: Path, caller: Caller) -> Iterator[Lab]:
    between = Lab(material, caller)
    yield between
    between.ct.stop()
    between.workstation.stop()


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_mutual_tls_carries_an_association(lab: Lab, version: str) -> None:
    only = {"minimum_version": version, "maximum_version": version}
    report = lab.echo(tls("good", check_hostname=True, **only), tls("good"))
    assert stopped_at(report) == "dimse: None"
    # the trace is of what was said, not of the encryption around it
    assert report.traces[0].pdus[0].kind == "A-ASSOCIATE-RQ"


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
@pytest.mark.parametrize(
    ("certificate", "alert"),
    [("foreign", "unknown_ca"), ("expired", "certificate_expired")],
)
def test_a_client_certificate_that_the_server_refuses_is_its_alert(
    lab: Lab, version: str, certificate: str, alert: str
) -> None:
    # with TLS 1.3 the client believes itself connected when the alert arrives
    only = {"minimum_version": version, "maximum_version": version}
    report = lab.echo(tls(certificate, **only), tls("good"))
    assert stopped_at(report) == f"tls: alert {alert}"


@pytest.mark.parametrize(
    ("version", "alert"), [("TLSv1.2", "handshake_failure"), ("TLSv1.3", "certificate_required")]
)
def test_a_missing_client_certificate_is_the_servers_alert(
    lab: Lab, version: str, alert: str
) -> None:
    only = {"minimum_version": version, "maximum_version": version}
    report = lab.echo(tls(None, **only), tls("good"))
    assert stopped_at(report) == f"tls: alert {alert}"


def test_versions_without_an_overlap_are_an_alert(lab: Lab) -> None:
    server = tls("good", maximum_version="TLSv1.2")
    report = lab.echo(tls("good", minimum_version="TLSv1.3"), server)
    assert stopped_at(report) == "tls: alert protocol_version"


def test_cipher_suites_without_an_overlap_are_an_alert(lab: Lab) -> None:
    server = tls("good", maximum_version="TLSv1.2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256")
    client = tls("good", maximum_version="TLSv1.2", ciphers="ECDHE-ECDSA-AES256-GCM-SHA384")
    assert stopped_at(lab.echo(client, server)) == "tls: alert handshake_failure"


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ("foreign", "untrusted-issuer"),
        ("expired", "expired"),
        ("future", "not-yet-valid"),
        ("self-signed", "self-signed"),
        ("client-only", "wrong-purpose"),
        ("elsewhere", "hostname-mismatch"),
    ],
)
def test_a_server_certificate_that_we_refuse_is_named_by_what_is_wrong_with_it(
    lab: Lab, certificate: str, reason: str
) -> None:
    report = lab.echo(tls("good", check_hostname=True), tls(certificate, trusted=None))
    assert stopped_at(report) == f"tls: certificate {reason}"
    assert report.comment


def test_without_trust_any_server_certificate_will_do(lab: Lab) -> None:
    report = lab.echo(tls(None, trusted=None), tls("self-signed", trusted=None))
    assert stopped_at(report) == "dimse: None"


def test_tls_to_a_port_that_answers_in_plain_dicom_is_not_tls(lab: Lab) -> None:
    assert stopped_at(lab.echo(tls("good"), None)) == "tls: not-tls"


def test_plain_dicom_to_a_tls_port_is_not_an_association(
    lab: Lab, eventually: Callable[[Callable[[], bool]], None]
) -> None:
    report = lab.echo(None, tls("good"))
    assert report.outcome.rung.value == "associate"
    assert str(report.outcome.signature) in ("closed", "reset", "not-dicom")
    eventually(
        lambda: (
            [trace.end for trace in lab.workstation.run(Received()).traces]
            == ["closed by acceptor"]
        )
    )


def test_a_connection_that_never_begins_tls_is_let_go(
    lab: Lab,
    monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[[Callable[[], bool]], None],
) -> None:
    monkeypatch.setattr(server, "_HANDSHAKE_SECONDS", 0.05)
    port = lab.workstation.run(Listen(aetitle="WS", port=0, tls=tls("good"))).port
    with socket.create_connection((LOOPBACK, port), PATIENCE) as silent:
        assert silent.recv(1) == b""
    eventually(
        lambda: [trace.end for trace in lab.workstation.run(Received()).traces] == ["timeout"]
    )


def answer_in_http(peer: Conversation) -> None:
    peer.exactly(1)
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.silence()


def close(peer: Conversation) -> None:
    peer.connection.recv(1 << 16)


def reset(peer: Conversation) -> None:
    peer.exactly(1)
    peer.reset()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (answer_in_http, "not-tls"),
        (close, "closed"),
        (reset, "reset"),
        (Conversation.silence, "timeout"),
    ],
)
def test_a_peer_that_speaks_no_tls_is_told_by_what_it_did(
    peers: ScriptedPeers, node: ModalityNode, caller: Caller, script: Script, expected: str
) -> None:
    if expected == "timeout":
        caller = impatient(caller, connect=0.4)
    target = peers.play(script).model_copy(update={"tls": Tls()})
    assert stopped_at(node.run(Echo(target=target, caller=caller))) == f"tls: {expected}"


def test_an_alert_that_arrives_with_a_reset_behind_it_is_still_read(
    peers: ScriptedPeers, node: ModalityNode, caller: Caller, material: Path
) -> None:
    # the server judges our certificate late (TLS 1.3), says so, and resets with our request unread
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(material / "good.pem", material / "good.key")
    context.load_verify_locations(material / "lab-ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0

    def script(peer: Conversation) -> None:
        try:
            context.wrap_socket(peer.connection, server_side=True)
        except ssl.SSLError:
            peer.reset()

    target = peers.play(script).model_copy(update={"tls": Tls()})
    report = node.run(Echo(target=target, caller=caller))
    assert stopped_at(report) == "tls: alert certificate_required"


def test_material_that_is_not_there_is_an_error_and_not_an_outcome(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"absent\.pem"):
        client_context(Tls(trusted="absent.pem"), tmp_path)
