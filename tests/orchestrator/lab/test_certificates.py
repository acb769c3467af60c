"""The run's certificates: good ones that every peer accepts, and flawed ones that none does."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from dicom.association.ends import Tls
from dicom.association.tls import client_context, server_context
from orchestrator.errors import LabError
from orchestrator.lab.certificates import (
    CertificateStore,
    KeyRing,
    describe_certificate,
    read_certificate,
)
from orchestrator.model.certificate_names import FLAWS, LAB_CA, OTHER_CA


@pytest.fixture(scope="module")
def keys() -> KeyRing:
    return KeyRing()


@pytest.fixture(scope="module")
def store(keys: KeyRing, tmp_path_factory: pytest.TempPathFactory) -> CertificateStore:
    folder = tmp_path_factory.mktemp("exchange") / "tls"
    return CertificateStore.create(folder, {"ct": ("ct",), "archive": ("10.1.2.3",)}, keys)


def handshake(store: CertificateStore, *, client: Tls, server: Tls, host: str = "localhost") -> str:
    """What stops a TLS handshake between the two, in OpenSSL's words; empty when nothing does."""
    contexts = client_context(client, store.folder), server_context(server, store.folder)
    towards_client, towards_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = (
        contexts[0].wrap_bio(towards_client, towards_server, server_hostname=host),
        contexts[1].wrap_bio(towards_server, towards_client, server_side=True),
    )
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                return str(error)
    return ""


def material(name: str, *, trusted: str = LAB_CA, check_hostname: bool = False) -> Tls:
    return Tls(
        trusted=f"{trusted}.pem",
        certificate=f"{name}.pem",
        key=f"{name}.key",
        check_hostname=check_hostname,
    )


def test_good_certificates_make_a_mutual_handshake_that_checks_names(
    store: CertificateStore,
) -> None:
    for host in ("archive", "localhost", "127.0.0.1", "10.1.2.3"):
        client = material("ct", check_hostname=True)
        assert handshake(store, client=client, server=material("archive"), host=host) == ""


@pytest.mark.parametrize(
    ("flaw", "complaint"),
    [
        ("expired", "certificate has expired"),
        ("not-yet-valid", "certificate is not yet valid"),
        ("other-ca", "unable to get local issuer certificate"),
        ("wrong-host", "Hostname mismatch"),
        ("wrong-usage", "unsuitable certificate purpose"),
        ("self-signed", "self-signed certificate"),
    ],
)
def test_each_flaw_is_what_the_other_side_complains_about(
    flaw: str, complaint: str, store: CertificateStore
) -> None:
    client = material("ct", check_hostname=True)
    flawed = material(f"archive-{flaw}")
    assert complaint in handshake(store, client=client, server=flawed)


def test_every_flaw_has_a_test(store: CertificateStore) -> None:
    marks = test_each_flaw_is_what_the_other_side_complains_about.pytestmark  # type: ignore[attr-defined]
    assert {case[0] for case in marks[0].args[1]} == set(FLAWS)


def test_whoever_trusts_the_other_authority_accepts_its_certificates(
    store: CertificateStore,
) -> None:
    client = material("ct", trusted=OTHER_CA)
    assert handshake(store, client=client, server=material("archive-other-ca")) == ""
    assert handshake(store, client=client, server=material("archive")) != ""


def test_a_client_certificate_of_the_other_authority_is_refused(store: CertificateStore) -> None:
    client = material("ct-other-ca")
    assert handshake(store, client=client, server=material("archive")) != ""


def test_there_is_always_a_certificate_for_any_archive(keys: KeyRing, tmp_path: Path) -> None:
    store = CertificateStore.create(tmp_path, {"pacs": ("pacs", "pacs.lab")}, keys)
    client = material("pacs", check_hostname=True)
    assert handshake(store, client=client, server=material("archive"), host="pacs.lab") == ""


def test_private_keys_are_readable_by_their_owner_only(store: CertificateStore) -> None:
    secrets = sorted(store.folder.glob("*.key"))
    assert secrets
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}
    assert not (store.folder / f"{LAB_CA}.key").exists()


def test_two_runs_share_nothing(store: CertificateStore, tmp_path: Path) -> None:
    other = CertificateStore.create(tmp_path, {"ct": ()})
    foreign = material("ct").model_copy(update={"trusted": str(other.folder / f"{LAB_CA}.pem")})
    assert handshake(store, client=foreign, server=material("archive")) != ""
    assert (other.folder / "ct.key").read_bytes() != (store.folder / "ct.key").read_bytes()


def test_a_certificate_is_described_for_people(store: CertificateStore) -> None:
    described = describe_certificate(store.folder / "archive-other-ca.pem")
    assert described.startswith("archive-other-ca.pem: archive, issued by pacslab other-ca, valid ")


def test_a_name_without_certificate_is_explained(store: CertificateStore) -> None:
    with pytest.raises(LabError, match="expired, not-yet-valid, other-ca"):
        read_certificate(store.folder / "archive-broken.pem")
