"""A PDU trace in words, and how far up the ladder the traced association got."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from pynetdicom.status import (
    STATUS_PENDING,
    STATUS_SUCCESS,
    STATUS_WARNING,
    code_to_category,
)

from dicom.ladder import Outcome, Rung, Signature
from dicom.tracing.trace import AssociationTrace, TracedPdu

_ARROWS: Final = {"requestor": "→", "acceptor": "←"}
_CARRIED_OUT: Final = frozenset({STATUS_SUCCESS, STATUS_PENDING, STATUS_WARNING})
_PENDING: Final = frozenset({"0xFF00", "0xFF01"})
#: What a requestor that sends this alert thinks of the acceptor's certificate, in the words that
#: a simulated modality uses for its own refusal.
_REFUSALS: Final = {
    "unknown_ca": "untrusted-issuer",
    "certificate_expired": "expired",
    "certificate_revoked": "revoked",
    "bad_certificate": "bad",
    "certificate_unknown": "unacceptable",
    "unsupported_certificate": "wrong-purpose",
}
#: Under TLS 1.3 a requestor that gives up late in the handshake sends an encrypted alert (24
#: bytes); one that goes on sends at least a Finished message (58) and an A-ASSOCIATE-RQ (> 100).
_LEAST_TLS_REQUEST: Final = 100


def render(trace: AssociationTrace) -> str:
    """The trace as text, a line per PDU with its fields below: ``traces/*.txt`` of a record."""
    opened = datetime.fromtimestamp(trace.opened_at, UTC).isoformat(timespec="milliseconds")
    outcome = outcome_of(trace)
    lines = [
        f"observer   {trace.observer}",
        f"requestor  {trace.requestor}",
        f"acceptor   {trace.acceptor}",
        f"opened     {opened}",
        f"ended      {trace.end}",
        f"outcome    {outcome.rung.value}: {outcome.signature or 'nothing stopped it here'}",
        "",
    ]
    if trace.encrypted:
        lines[-1:] = ["encrypted: only TLS records are visible", ""]
    for pdu in trace.pdus:
        lines += _pdu_lines(pdu)
    if trace.omitted:
        lines.append(f"({trace.omitted} further PDUs have no line of their own)")
    return "\n".join(lines) + "\n"


def outcome_of(trace: AssociationTrace) -> Outcome:
    """The highest rung that the trace shows, and what stopped the association there.

    Reads what is on the wire, so it is the same whoever the sender is; ``delivered`` is never
    concluded. Without a signature nothing visible stopped it: under TLS little is visible.
    """
    if not trace.pdus:
        return _without_a_byte(trace)
    if any(pdu.kind.startswith("HTTP ") for pdu in trace.pdus):
        return _over_http(trace)
    if any(_is_tls(pdu) for pdu in _from(trace, "requestor")):
        return _under_tls(trace)
    answers = _from(trace, "acceptor")
    accepted = next((pdu for pdu in answers if pdu.kind == "A-ASSOCIATE-AC"), None)
    if accepted is None:
        return Outcome.at(Rung.ASSOCIATE, _why_not_associated(trace, answers))
    requests = [pdu for pdu in _from(trace, "requestor") if _is_request(pdu)]
    refused = _refused_context(accepted)
    if refused is not None and not requests:
        return Outcome.at(Rung.NEGOTIATE, Signature.context(refused))
    failure = next((pdu for pdu in answers if _is_failure(pdu)), None)
    if failure is not None:
        return Outcome.at(Rung.DIMSE, Signature.status(_status(failure)))
    if requests and not _is_answered(requests[-1], trace):
        return Outcome.at(Rung.DIMSE, _why_ended(trace, answers) or Signature(kind="timeout"))
    if (ended := _why_ended(trace, answers)) is not None:
        return Outcome.at(Rung.DIMSE, ended)
    return Outcome.at(Rung.DIMSE if requests else Rung.NEGOTIATE)


def _without_a_byte(trace: AssociationTrace) -> Outcome:
    if trace.end in ("refused", "unreachable", "timeout", "reset"):
        return Outcome.at(Rung.CONNECT, Signature(kind=trace.end))
    if trace.end == "closed by acceptor":
        return Outcome.at(Rung.ASSOCIATE, Signature(kind="closed"))
    return Outcome.at(Rung.CONNECT)


def _over_http(trace: AssociationTrace) -> Outcome:
    """What an exchange of DICOMweb shows; its status is the last answer's."""
    for pdu in _from(trace, "acceptor"):
        if pdu.kind == "TLS alert":
            alert = str(pdu.fields.get("alert", "unknown"))
            return Outcome.at(Rung.TLS, Signature(kind="alert", code=alert))
        if pdu.kind in ("not HTTP", "not DICOM"):
            return Outcome.at(Rung.DIMSE, Signature(kind=pdu.kind.lower().replace(" ", "-")))
        status = int(str(pdu.fields.get("status", 0)))
        if not 200 <= status < 300:
            return Outcome.at(Rung.DIMSE, Signature(kind="http", code=str(status)))
    if trace.end in ("reset", "timeout"):
        return Outcome.at(Rung.DIMSE, Signature(kind=trace.end))
    if trace.end == "closed by acceptor":
        return Outcome.at(Rung.DIMSE, Signature(kind="closed"))
    return Outcome.at(Rung.DIMSE)


def _under_tls(trace: AssociationTrace) -> Outcome:
    answers = _from(trace, "acceptor")
    if any(not _is_tls(pdu) for pdu in answers):
        return Outcome.at(Rung.TLS, Signature(kind="not-tls"))
    for pdu in trace.pdus:
        alert = str(pdu.fields.get("alert", "encrypted"))
        if pdu.kind != "TLS alert" or alert in ("encrypted", "close_notify"):
            continue
        if pdu.sender == "requestor" and alert in _REFUSALS:
            return Outcome.at(Rung.TLS, Signature(kind="certificate", code=_REFUSALS[alert]))
        return Outcome.at(Rung.TLS, Signature(kind="alert", code=alert))
    sent = sum(
        pdu.length for pdu in _from(trace, "requestor") if pdu.kind == "TLS application_data"
    )
    if answers and sent >= _LEAST_TLS_REQUEST:
        return Outcome.at(Rung.TLS)
    ended = {"timeout": "timeout", "open": "timeout", "reset": "reset"}.get(trace.end, "closed")
    return Outcome.at(Rung.TLS, Signature(kind=ended))


def _why_not_associated(trace: AssociationTrace, answers: list[TracedPdu]) -> Signature:
    for pdu in answers:
        match pdu.kind:
            case "A-ASSOCIATE-RJ":
                return Signature.rejected(*_numbers(pdu, "result", "source", "reason"))
            case "A-ABORT":
                return Signature.aborted(*_numbers(pdu, "source", "reason"))
            case _ if not pdu.kind.startswith(("A-", "P-", "incomplete")):
                return Signature(kind="not-dicom")
    return _why_ended(trace, answers) or Signature(kind="timeout")


def _why_ended(trace: AssociationTrace, answers: list[TracedPdu]) -> Signature | None:
    """What the acceptor or the network did; None if the requestor ended it, or nobody did."""
    abort = next((pdu for pdu in answers if pdu.kind == "A-ABORT"), None)
    if abort is not None:
        return Signature.aborted(*_numbers(abort, "source", "reason"))
    if trace.end == "reset":
        return Signature(kind="reset")
    return Signature(kind="closed") if trace.end == "closed by acceptor" else None


def _refused_context(accepted: TracedPdu) -> int | None:
    """Result of the first refused presentation context, None if all were accepted."""
    results = accepted.fields.get("results", [])
    texts = results if isinstance(results, list) else []
    codes = [int(text.partition("=")[2]) for text in texts]
    return next((code for code in codes if code != 0), None)


def _is_request(pdu: TracedPdu) -> bool:
    command = str(pdu.fields.get("command", ""))
    return command.endswith("-RQ") and command != "C-CANCEL-RQ"


def _is_failure(pdu: TracedPdu) -> bool:
    return "status" in pdu.fields and code_to_category(_status(pdu)) not in _CARRIED_OUT


def _is_answered(request: TracedPdu, trace: AssociationTrace) -> bool:
    """Whether a final response follows ``request``; a message id is used again and again."""
    position = max(index for index, pdu in enumerate(trace.pdus) if pdu is request)
    return any(
        pdu.sender != request.sender
        and pdu.fields.get("message_id") == request.fields.get("message_id")
        and pdu.fields.get("status", "0xFF00") not in _PENDING
        for pdu in trace.pdus[position:]
    )


def _is_tls(pdu: TracedPdu) -> bool:
    return pdu.kind.removeprefix("incomplete ").startswith("TLS")


def _from(trace: AssociationTrace, sender: str) -> list[TracedPdu]:
    return [pdu for pdu in trace.pdus if pdu.sender == sender]


def _status(pdu: TracedPdu) -> int:
    return int(str(pdu.fields["status"]), 16)


def _numbers(pdu: TracedPdu, *names: str) -> Iterator[int]:
    return (int(str(pdu.fields.get(name, 0))) for name in names)


def _pdu_lines(pdu: TracedPdu) -> Iterator[str]:
    arrow = _ARROWS[pdu.sender]
    yield f"{pdu.at:10.6f} s  {arrow} {pdu.kind}, {pdu.length} bytes: {pdu.summary}".rstrip(": ")
    for name, value in pdu.fields.items():
        if isinstance(value, list):
            yield f"{'':14}{name}:"
            yield from (f"{'':16}{item}" for item in value)
        else:
            yield f"{'':14}{name}: {value}"
