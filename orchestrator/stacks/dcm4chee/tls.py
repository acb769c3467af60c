"""PKCS#12 stores for DCM4CHEE from the run's PEM files: Java reads nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)

from dicom.settings import ArchiveSettings, TlsServer
from orchestrator.errors import LabError
from orchestrator.stacks.dcm4chee.dialect import key_store, trust_store

#: The archive runs as a user of its own in its container; the PIN protects what is in the stores.
_READABLE: Final = 0o644


def write_stores(folder: Path, settings: ArchiveSettings, pin: str) -> None:
    """Write the key and the trust store that ``settings`` need into ``folder``, if any.

    Args:
        folder: holds ``<name>.pem`` and ``<name>.key``; the stores go beside them.
        pin: encrypts both stores.

    Raises:
        LabError: a PEM file is missing or can't be read.
    """
    if settings.tls is None and not any(each.tls for each in settings.known_aes):
        return
    server = settings.tls or TlsServer()
    encryption = BestAvailableEncryption(pin.encode())
    try:
        chain = x509.load_pem_x509_certificates(_pem(folder, server.certificate))
        key = load_pem_private_key((folder / f"{server.certificate}.key").read_bytes(), None)
        authorities = x509.load_pem_x509_certificates(_pem(folder, server.trusted))
    except (OSError, ValueError) as error:
        raise LabError(
            f"expected the TLS material {server.certificate!r} and {server.trusted!r} of this run"
            f" as PEM files in {folder}: {error}"
        ) from error
    if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
        raise LabError(
            f"the key of {server.certificate!r} is a {type(key).__name__}; DCM4CHEE's cipher"
            " suites need an elliptic curve or an RSA key (F19)"
        )
    keys = pkcs12.serialize_key_and_certificates(b"archive", key, chain[0], chain[1:], encryption)
    # Java takes a certificate for a trust anchor only where the store marks it as one.
    anchors = [
        pkcs12.PKCS12Certificate(each, f"trusted-{index}".encode())
        for index, each in enumerate(authorities)
    ]
    trusted = pkcs12.serialize_java_truststore(anchors, encryption)
    for name, content in (
        (key_store(server.certificate), keys),
        (trust_store(server.trusted), trusted),
    ):
        path = folder / name
        path.write_bytes(content)
        path.chmod(_READABLE)


def _pem(folder: Path, name: str) -> bytes:
    return (folder / f"{name}.pem").read_bytes()
