"""Certificates of one run: a certificate authority, a stranger, and material bad in one way each.

Everything is RSA with 2048 bits: DCM4CHEE as shipped offers only ``TLS_RSA_…`` cipher suites,
which need an RSA key (F19), and every product takes it. Nothing outlives or is shared beyond its
run; the private keys of the authorities are never written.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from orchestrator.errors import LabError
from orchestrator.model.certificate_names import (
    ANY_ARCHIVE,
    FLAWS,
    LAB_CA,
    OTHER_CA,
    OTHER_HOST,
    Flaw,
)

_KEY_BITS: Final = 2048
_DAY: Final = timedelta(days=1)
_DUPLEX: Final = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


@dataclass
class KeyRing:
    """Private keys of one run, made when first asked for and kept in memory.

    Making one takes about 0.1 s: give the same ring to all labs of a run. One key serves all end
    entities, whose labs write it into files; each authority has its own, which is never written.
    """

    _keys: dict[str, rsa.RSAPrivateKey] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def key(self, owner: str) -> rsa.RSAPrivateKey:
        """The key of ``owner`` (any name)."""
        with self._lock:
            if owner not in self._keys:
                self._keys[owner] = rsa.generate_private_key(65537, _KEY_BITS)
            return self._keys[owner]


@dataclass(frozen=True)
class _Authority:
    name: x509.Name
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey


class CertificateStore:
    """TLS material of one lab as files in one folder.

    ``lab-ca.pem`` and ``other-ca.pem`` are the authorities' certificates. For each role there
    are ``<role>.pem`` and ``<role>.key``, and ``<role>-<flaw>.pem`` and ``.key`` for each of
    ``FLAWS``. Keys are readable by their owner only. Certificates name the role, the given host
    names, localhost and 127.0.0.1, and serve both ends of a connection (server and client).
    """

    def __init__(self, folder: Path, keys: KeyRing) -> None:
        self.folder = folder
        self._key = keys.key("end entities")
        self._now = datetime.now(UTC)
        self._lab_ca = self._authority(LAB_CA, keys)
        self._other_ca = self._authority(OTHER_CA, keys)

    @classmethod
    def create(
        cls, folder: Path, names: Mapping[str, Iterable[str]], keys: KeyRing | None = None
    ) -> CertificateStore:
        """Write the material of all roles below ``folder``.

        Args:
            folder: made if missing; the lab's ``<exchange>/tls``.
            names: role to the host names and addresses by which peers reach it. ``archive`` is
                added if it is not among them, with everybody's names.
            keys: the run's key ring; by default a new one.
        """
        folder.mkdir(parents=True, exist_ok=True)
        store = cls(folder, keys or KeyRing())
        for name, authority in ((LAB_CA, store._lab_ca), (OTHER_CA, store._other_ca)):
            store._write(f"{name}.pem", _pem(authority.certificate))
        hosts = {role: tuple(given) for role, given in names.items()}
        everybody = tuple(host for given in hosts.values() for host in given)
        hosts.setdefault(ANY_ARCHIVE, everybody)
        key = store._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        for role, given in hosts.items():
            for flaw in (None, *FLAWS):
                name = f"{role}-{flaw}" if flaw else role
                store._write(f"{name}.pem", _pem(store._certificate(role, given, flaw)))
                store._write(f"{name}.key", key, secret=True)
        return store

    def _authority(self, owner: str, keys: KeyRing) -> _Authority:
        key = keys.key(owner)
        name = _name(f"pacslab {owner}")
        certificate = (
            self._builder(name, key, days=(-30, 365))
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return _Authority(name, certificate, key)

    def _certificate(
        self, role: str, hosts: tuple[str, ...], flaw: Flaw | None
    ) -> x509.Certificate:
        subject = _name(role)
        days = {"expired": (-10, -1), "not-yet-valid": (1, 10)}.get(flaw or "", (-1, 30))
        named = (OTHER_HOST,) if flaw == "wrong-host" else (role, *hosts, "localhost", "127.0.0.1")
        usage = (ExtendedKeyUsageOID.CODE_SIGNING,) if flaw == "wrong-usage" else _DUPLEX
        authority = self._other_ca if flaw == "other-ca" else self._lab_ca
        issuer, issuer_key = authority.name, authority.key
        if flaw == "self-signed":
            issuer, issuer_key = subject, self._key
        return (
            self._builder(subject, self._key, days)
            .issuer_name(issuer)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .add_extension(_alternative_names(named), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
                critical=False,
            )
            .sign(issuer_key, hashes.SHA256())
        )

    def _builder(
        self, subject: x509.Name, key: rsa.RSAPrivateKey, days: tuple[int, int]
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now + days[0] * _DAY)
            .not_valid_after(self._now + days[1] * _DAY)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )

    def _write(self, name: str, data: bytes, *, secret: bool = False) -> Path:
        path = self.folder / name
        path.touch(mode=0o600 if secret else 0o644)
        path.write_bytes(data)
        return path


def read_certificate(path: Path) -> x509.Certificate:
    """The certificate in a PEM file.

    Raises:
        LabError: there is no such file, or no certificate in it.
    """
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise LabError(
            f"expected a certificate in {path}: {error}. The lab writes its certificates when it"
            " starts with TLS; is this name one of a role, or of a role with a flaw"
            f" ({', '.join(FLAWS)})?"
        ) from error


def describe_certificate(path: Path) -> str:
    """``archive-expired.pem: archive, issued by pacslab lab-ca, valid 2026-11-14 to 2026-11-23``.

    Raises:
        LabError: as ``read_certificate``.
    """
    certificate = read_certificate(path)
    valid = f"{certificate.not_valid_before_utc.date()} to {certificate.not_valid_after_utc.date()}"
    subject, issuer = _common_name(certificate.subject), _common_name(certificate.issuer)
    return f"{path.name}: {subject}, issued by {issuer}, valid {valid}"


def _common_name(name: x509.Name) -> str:
    return str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "pacslab, simulation only"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _alternative_names(names: Iterable[str]) -> x509.SubjectAlternativeName:
    general: dict[str, x509.GeneralName] = {}
    for name in names:
        try:
            general[name] = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            general[name] = x509.DNSName(name)
    return x509.SubjectAlternativeName(general.values())


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
