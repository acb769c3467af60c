"""DICOM TLS of the profile archive: row F19."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from archive.configuration import ForwardOrder
from dicom.association.ends import Caller, Target, Tls
from dicom.errors import UsageError
from dicom.settings import TlsServer
from modalities.services.echo import Echo, echo
from orchestrator.lab.certificates import CertificateStore, KeyRing
from tests.archive.conftest import MakeArchive, known
from tests.archive.peer import LOOPBACK, image, store


@pytest.fixture(scope="module")
def keys() -> KeyRing:
    return KeyRing()


@pytest.fixture(autouse=True)
def material(tmp_path: Path, keys: KeyRing) -> None:
    CertificateStore.create(tmp_path / "tls", {"ct": ["localhost"]}, keys)


def try_echo(port: int, exchange: Path, certificate: str | None, **options: str) -> str:
    """The rung and signature of a C-ECHO over TLS."""
    pem = None if certificate is None else f"tls/{certificate}.pem"
    key = None if certificate is None else f"tls/{certificate}.key"
    tls = Tls.model_validate(
        {"trusted": "tls/lab-ca.pem", "certificate": pem, "key": key, **options}
    )
    target = Target(host=LOOPBACK, port=port, called="ARCHIVE", tls=tls)
    report = echo(Echo(target=target, caller=Caller(calling="CT")), exchange, "ct")
    return "ok" if report.outcome.succeeded else str(report.outcome)


@pytest.mark.parametrize("profile", ["orthanc-1.10", "orthanc-1.12", "dcm4chee-5.35"])
def test_mutual_tls_with_the_labs_certificates_works(
    archive: MakeArchive, tmp_path: Path, profile: str
) -> None:
    server = archive(profile, tls=TlsServer())
    assert try_echo(server.dicom_port, tmp_path, "ct") == "ok"


@pytest.mark.parametrize(
    ("certificate", "alert"),
    [("ct-other-ca", "unknown_ca"), ("ct-expired", "certificate_expired")],
)
def test_a_bad_client_certificate_is_refused_with_its_alert(
    archive: MakeArchive, tmp_path: Path, certificate: str, alert: str
) -> None:
    server = archive("orthanc-1.12", tls=TlsServer())
    assert try_echo(server.dicom_port, tmp_path, certificate) == f"tls: alert {alert}"


def test_a_client_that_trusts_another_authority_stops_at_the_archives_certificate(
    archive: MakeArchive, tmp_path: Path
) -> None:
    server = archive("orthanc-1.12", tls=TlsServer(certificate="archive-other-ca"))
    seen = try_echo(server.dicom_port, tmp_path, "ct")
    assert seen == "tls: certificate untrusted-issuer"


def test_dcm4chee_speaks_tls_1_2_only(archive: MakeArchive, tmp_path: Path) -> None:
    server = archive("dcm4chee-5.35", tls=TlsServer())
    seen = try_echo(server.dicom_port, tmp_path, "ct", minimum_version="TLSv1.3")
    assert seen == "tls: alert protocol_version"


def test_plain_dicom_on_a_tls_port_is_closed_without_a_word(archive: MakeArchive) -> None:
    server = archive("orthanc-1.12", tls=TlsServer())
    with socket.create_connection((LOOPBACK, server.dicom_port), timeout=10) as client:
        client.sendall(b"\x01")
        assert client.recv(1) == b""


def test_an_archive_sends_over_tls_to_a_peer_that_asks_for_it(archive: MakeArchive) -> None:
    receiver = archive("orthanc-1.12", tls=TlsServer(), aetitle="PEER")
    sender = archive(
        "dcm4chee-5.35", known_aes=(known("PEER", receiver.dicom_port, tls=True),), aetitle="A"
    )
    assert store(sender.dicom_port, image(), called="A") == [0]
    assert sender.forward(ForwardOrder(study="2.25.1", to="PEER")).claims_success
    assert len(receiver.held()) == 1


def test_a_stalled_handshake_does_not_hold_up_others(archive: MakeArchive, tmp_path: Path) -> None:
    server = archive("dcm4chee-5.35", tls=TlsServer())
    with socket.create_connection((LOOPBACK, server.dicom_port), timeout=10) as stalled:
        stalled.sendall(b"\x16\x03\x01")
        assert try_echo(server.dicom_port, tmp_path, "ct") == "ok"


def test_missing_material_is_named_and_the_old_settings_stay(archive: MakeArchive) -> None:
    server = archive("orthanc-1.12")
    wanted = server.settings.model_copy(update={"tls": TlsServer(certificate="nobody")})
    with pytest.raises(UsageError, match="nobody"):
        server.configure(wanted)
    assert server.settings.tls is None
    assert store(server.dicom_port, image()) == [0]


def test_stopping_cuts_an_encrypted_association(archive: MakeArchive, tmp_path: Path) -> None:
    server = archive("orthanc-1.12", tls=TlsServer())
    context = ssl.create_default_context(cafile=str(tmp_path / "tls/lab-ca.pem"))
    context.load_cert_chain(tmp_path / "tls/ct.pem", tmp_path / "tls/ct.key")
    plain = socket.create_connection((LOOPBACK, server.dicom_port), timeout=10)
    with context.wrap_socket(plain, server_hostname=LOOPBACK, suppress_ragged_eofs=False) as client:
        server.stop()
        # With or without a close_notify, or a reset where something was on its way: at an end.
        with suppress(ssl.SSLEOFError, ConnectionError):
            assert client.read(1) == b""
