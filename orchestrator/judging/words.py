"""Outcomes in an administrator's words, each with its exact signature in brackets.

Reasons are those of the standard: A-ASSOCIATE-RJ of PS3.8 table 9-21, A-ABORT of PS3.8 table
9-26, presentation-context results of PS3.8 table 9-18, DIMSE statuses of PS3.7 annex C and the
service classes of PS3.4 (as pynetdicom tabulates them), TLS alerts of RFC 8446 section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pynetdicom import status as statuses

from dicom.ladder import Outcome, Rung
from dicom.tracing.pdu_words import context_result

#: Reason of a rejection by (source, reason), PS3.8 table 9-21.
REJECTIONS: Final[Mapping[tuple[int, int], str]] = {
    (1, 1): "no reason given",
    (1, 2): "application context name not supported",
    (1, 3): "calling AE title not recognized",
    (1, 7): "called AE title not recognized",
    (2, 1): "no reason given by the association layer",
    (2, 2): "protocol version not supported",
    (3, 1): "temporary congestion",
    (3, 2): "local limit exceeded",
}
#: Reason of an abort by the service provider (source 2), PS3.8 table 9-26.
ABORTS: Final[Mapping[int, str]] = {
    0: "reason not specified",
    1: "unrecognized PDU",
    2: "unexpected PDU",
    4: "unrecognized PDU parameter",
    5: "unexpected PDU parameter",
    6: "invalid PDU parameter value",
}
#: TLS alerts that a DICOM peer is seen to send, RFC 8446 section 6.2 and RFC 5246 section 7.2.2.
ALERTS: Final[Mapping[str, str]] = {
    "bad_certificate": "the peer refuses our certificate",
    "certificate_expired": "the peer finds our certificate expired",
    "certificate_required": "the peer demands a certificate and got none",
    "certificate_revoked": "the peer finds our certificate revoked",
    "certificate_unknown": "the peer refuses our certificate",
    "decrypt_error": "a signature or key exchange could not be verified",
    "handshake_failure": "no cipher suite or certificate that both sides accept",
    "insufficient_security": "the peer demands stronger cipher suites",
    "internal_error": "the peer failed internally",
    "protocol_version": "no TLS version that both sides accept",
    "unknown_ca": "the peer does not trust the issuer of our certificate",
    "unrecognized_name": "the peer does not serve this host name",
    "unsupported_certificate": "the peer can't use this kind of certificate",
}
#: Why the caller itself refuses the peer's certificate.
CERTIFICATES: Final[Mapping[str, str]] = {
    "untrusted-issuer": "its issuer is not trusted here",
    "self-signed": "it is self-signed",
    "expired": "it has expired",
    "not-yet-valid": "it is not valid yet",
    "hostname-mismatch": "it was issued for another host",
    "wrong-purpose": "it was issued for another purpose",
}
_TABLES: Final[Mapping[str, Mapping[int, tuple[str, str]]]] = {
    "echo": statuses.VERIFICATION_SERVICE_CLASS_STATUS,
    "store": statuses.STORAGE_SERVICE_CLASS_STATUS,
    "stow": statuses.STORAGE_SERVICE_CLASS_STATUS,
    "forward": statuses.STORAGE_SERVICE_CLASS_STATUS,
    "find": statuses.QR_FIND_SERVICE_CLASS_STATUS,
    "worklist": statuses.MODALITY_WORKLIST_SERVICE_CLASS_STATUS,
    "move": statuses.QR_MOVE_SERVICE_CLASS_STATUS,
    "get": statuses.QR_GET_SERVICE_CLASS_STATUS,
    "commit": statuses.STORAGE_COMMITMENT_SERVICE_CLASS_STATUS,
    "mpps": statuses.PROCEDURE_STEP_STATUS,
}
#: What success is called where it is not a delivery.
_CARRIED_OUT: Final[Mapping[str, str]] = {
    "echo": "echo answered",
    "find": "found",
    "qido": "found",
    "worklist": "worklist answered",
    "commit": "committed",
    "mpps": "procedure step accepted",
    "examination": "examined, archived, committed and recorded",
}
_REACHED: Final[Mapping[Rung, str]] = {
    Rung.RESOLVE: "host name resolved",
    Rung.CONNECT: "connected",
    Rung.TLS: "TLS session established",
    Rung.ASSOCIATE: "association accepted",
    Rung.NEGOTIATE: "presentation context accepted",
    Rung.DIMSE: "service carried out",
    Rung.DELIVERED: "delivered",
}
#: Who ends up with the objects when all goes well.
_HOLDER: Final[Mapping[str, str]] = {
    "move": "destination",
    "forward": "peer",
    "get": "caller",
    "wado": "caller",
}
_STAGE: Final[Mapping[Rung, str]] = {
    Rung.CONNECT: "while connecting",
    Rung.TLS: "during the TLS handshake",
    Rung.ASSOCIATE: "before the association was answered",
    Rung.DIMSE: "before the request was answered",
}
#: Kinds that say all at whatever rung they are seen.
_PLAIN: Final[Mapping[str, str]] = {
    "unresolved": "unresolved: this host name has no address",
    "refused": "refused: nothing listens there",
    "unreachable": "unreachable: no route to this host",
    "not-tls": "no TLS there: the peer answered in another protocol",
    "not-dicom": "not DICOM: the peer answered in another protocol",
    "not-http": "not HTTP: the peer answered in another protocol",
}
#: What the sender was told was success, and was not.
_UNDELIVERED: Final[Mapping[str, str]] = {
    "lost": "{holder} holds nothing",
    "partial": "{holder} holds only a part",
    "altered": "{holder} holds something else than was sent",
    "elsewhere": "but it went elsewhere: {holder} holds nothing",
    "duplicated": "{holder} holds it more than once",
    "no-match": "nothing matched",
    "incomplete": "the answer is incomplete",
    "uncommitted": "{holder} does not commit to all of it",
    "unrecorded": "the procedure step is not recorded as it was performed",
}


def describe(outcome: Outcome, probe: str = "") -> str:
    """``rejected: called AE title not recognized (1/1/7)``.

    Args:
        outcome: what was observed, or what is expected (a code of ``*`` reads "whatever the …").
        probe: name of the probe; chooses the service's own status table.
    """
    rung, signature = outcome.rung, outcome.signature
    if signature is None:
        carried_out = rung.height >= Rung.DIMSE.height and probe in _CARRIED_OUT
        return _CARRIED_OUT[probe] if carried_out else _REACHED[rung]
    kind, code = signature.kind, signature.code
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind in _UNDELIVERED:
        holder = _HOLDER.get(probe, "archive")
        return f"reported success, {_UNDELIVERED[kind].format(holder=holder)}"
    if kind == "timeout":
        return _timeout(rung)
    if kind in ("reset", "closed"):
        how = "reset" if kind == "reset" else "closed without a word"
        return f"connection {how} {_STAGE[rung]}"
    return _any_code(kind) if code == "*" else _coded(kind, code, rung, probe)


def describe_status(code: int, probe: str = "") -> str:
    """A DIMSE status in the standard's words: ``move destination unknown``; empty if unknown."""
    tables = (_TABLES.get(probe, {}), statuses.GENERAL_STATUS, *_TABLES.values())
    meaning = next((table[code][1] for table in tables if code in table), "")
    words = (word if word.isupper() else word.lower() for word in meaning.split())
    return " ".join(words).replace("ised", "ized")  # the standard's own spelling


def _coded(kind: str, code: str, rung: Rung, probe: str) -> str:
    match kind:
        case "rejected":
            return _rejected(code)
        case "aborted":
            return _aborted(code, rung)
        case "context":
            return _context(code)
        case "status":
            meaning = describe_status(int(code, 16), probe)
            return f"status {code} {meaning or 'unknown to the standard'}"
        case "alert":
            return f"TLS alert: {ALERTS.get(code, 'the peer ended the handshake')} ({code})"
        case "certificate":
            meaning = CERTIFICATES.get(code, "it failed verification")
            return f"the peer's certificate was refused: {meaning} ({code})"
        case _:
            return f"the archive's web interface answered HTTP {code}"


def _context(code: str) -> str:
    if code == "none":
        return "no presentation context proposed for the SOP class"
    if code == "0":
        return "presentation context accepted, but in another transfer syntax (0)"
    return f"presentation context refused: {context_result(int(code))} ({code})"


def _any_code(kind: str) -> str:
    return {
        "rejected": "rejected, whatever the reason",
        "aborted": "aborted by the peer, whatever the reason",
        "context": "presentation context refused, whatever the result",
        "status": "any status other than success",
        "alert": "TLS alert, whichever",
        "certificate": "the peer's certificate was refused, whatever the reason",
        "http": "the archive's web interface answered an HTTP error",
    }[kind]


def _rejected(code: str) -> str:
    result, source, reason = (int(part) for part in code.split("/"))
    word = "rejected for now" if result == 2 else "rejected"
    return f"{word}: {REJECTIONS.get((source, reason), 'reserved reason')} ({code})"


def _aborted(code: str, rung: Rung) -> str:
    source, reason = (int(part) for part in code.split("/"))
    at = " during association" if rung is Rung.ASSOCIATE else ""
    why = f": {ABORTS.get(reason, 'reserved reason')}" if source == 2 else ""
    return f"aborted by the peer{at}{why} ({code})"


def _timeout(rung: Rung) -> str:
    if rung is Rung.CONNECT:
        return "timeout: nothing answers the connection request"
    return f"timeout: connected, but silent {_STAGE[rung]}"
