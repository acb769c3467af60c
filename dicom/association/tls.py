"""DICOM TLS (PS3.15 annex B): contexts from PEM files, and what a failed handshake means."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Final

from dicom.association.ends import Tls
from dicom.errors import UsageError
from dicom.ladder import Signature

_VERSIONS: Final = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}

#: OpenSSL's X509_V_ERR_* codes (openssl/x509_vfy.h) in a few stable words.
_CERTIFICATE_REASONS: Final[dict[int, str]] = {
    2: "untrusted-issuer",  # unable to get issuer certificate
    9: "not-yet-valid",
    10: "expired",
    18: "self-signed",
    19: "untrusted-issuer",  # a root that is sent along but not trusted
    20: "untrusted-issuer",  # unable to get local issuer certificate
    21: "untrusted-issuer",  # unable to verify the first certificate
    23: "revoked",
    26: "wrong-purpose",  # extended key usage
    62: "hostname-mismatch",
    64: "hostname-mismatch",  # IP address mismatch
    66: "weak-key",
    67: "weak-key",
    68: "weak-digest",
}
#: Alerts whose OpenSSL reason does not follow the ``…_ALERT_<NAME>`` pattern.
_ALERTS_BY_REASON: Final[dict[str, str]] = {
    "TLSV1_UNRECOGNIZED_NAME": "unrecognized_name",
    "TLSV1_UNSUPPORTED_EXTENSION": "unsupported_extension",
    "TLSV1_CERTIFICATE_UNOBTAINABLE": "certificate_unobtainable",
    "TLSV1_BAD_CERTIFICATE_STATUS_RESPONSE": "bad_certificate_status_response",
    # refused by this side, which tells the peer with this alert
    "UNSUPPORTED_PROTOCOL": "protocol_version",
    "NO_PROTOCOLS_AVAILABLE": "protocol_version",
    "WRONG_SSL_VERSION": "protocol_version",
    "WRONG_CIPHER_RETURNED": "illegal_parameter",
}
_NOT_TLS: Final = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "UNKNOWN_PROTOCOL",
        "HTTP_REQUEST",
        "HTTPS_PROXY_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "RECORD_TOO_SMALL",
        "INVALID_RECORD_TYPE",
        "ENCRYPTED_LENGTH_TOO_LONG",
    }
)
_EOF: Final = "UNEXPECTED_EOF_WHILE_READING"


def client_context(tls: Tls, folder: Path) -> ssl.SSLContext:
    """The context an SCU connects with; PEM paths are relative to ``folder``.

    Raises:
        UsageError: a PEM file is missing, unreadable, or key and certificate don't belong
            together; or a name is to be checked that nobody vouches for.
    """
    if tls.check_hostname and tls.trusted is None:
        raise UsageError(
            "the host name is checked against a certificate that chains to a trusted CA; none was"
            " given. Name the CA, or don't check the name."
        )
    context = _context(ssl.PROTOCOL_TLS_CLIENT, tls, folder)
    context.check_hostname = tls.check_hostname
    context.verify_mode = ssl.CERT_NONE if tls.trusted is None else ssl.CERT_REQUIRED
    return context


def server_context(tls: Tls, folder: Path) -> ssl.SSLContext:
    """The context an SCP accepts with; mutual TLS where ``require_peer_certificate`` says so.

    Raises:
        UsageError: as ``client_context``, or there is no certificate to present.
    """
    if tls.certificate is None:
        raise UsageError("a TLS listener needs a certificate and its key; none was given")
    context = _context(ssl.PROTOCOL_TLS_SERVER, tls, folder)
    if tls.trusted is not None:
        required = tls.require_peer_certificate
        context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
    return context


def _context(protocol: int, tls: Tls, folder: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = _VERSIONS[tls.minimum_version]
    context.maximum_version = _VERSIONS[tls.maximum_version]
    try:
        if tls.ciphers is not None:
            context.set_ciphers(tls.ciphers)
        if tls.trusted is not None:
            context.load_verify_locations(cafile=folder / tls.trusted)
        if tls.certificate is not None:
            key = None if tls.key is None else folder / tls.key
            context.load_cert_chain(folder / tls.certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(
            f"TLS material can't be used (trusted {tls.trusted}, certificate {tls.certificate},"
            f" key {tls.key}, ciphers {tls.ciphers}): {error}. Expected PEM files below {folder}"
            " with a key that belongs to the certificate."
        ) from error
    return context


def alert_of(error: ssl.SSLError) -> str | None:
    """Name (RFC 8446 6.2) of the alert that ``error`` reports, or None if it is not about one."""
    reason = error.reason or ""
    named = re.search(r"_ALERT_(\w+)$", reason)
    return named[1].lower() if named else _ALERTS_BY_REASON.get(reason)


def handshake_signature(error: OSError) -> Signature:
    """What a failure between TCP connect and the end of the TLS handshake means."""
    if isinstance(error, ssl.SSLCertVerificationError):
        words = re.sub(r"[^a-z0-9]+", "-", error.verify_message.lower()).strip("-")
        reason = _CERTIFICATE_REASONS.get(error.verify_code, words or "refused")
        return Signature(kind="certificate", code=reason)
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return Signature(kind="closed")
    if isinstance(error, ssl.SSLError):
        if error.reason == _EOF:
            return Signature(kind="closed")
        if error.reason in _NOT_TLS:
            return Signature(kind="not-tls")
        return Signature(kind="alert", code=alert_of(error) or (error.reason or "unknown").lower())
    if isinstance(error, TimeoutError):
        return Signature(kind="timeout")
    if isinstance(error, ConnectionError):
        return Signature(kind="reset")
    return Signature(kind="closed")
