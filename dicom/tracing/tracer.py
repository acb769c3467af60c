"""Turns the bytes of one TCP connection into its PDU trace, while they pass.

One implementation for every observer: our SCU and SCP feed it the bytes they send and receive
(decrypted), a relay on the wire feeds it what it forwards. It keeps no datasets: PDU headers are
parsed, association PDUs and DIMSE command sets decoded, dataset fragments only counted.

Names that other code may rely on, in ``TracedPdu.fields``:

- ``A-ASSOCIATE-RQ``: ``calling_aetitle``, ``called_aetitle``, ``contexts``, ``max_pdu_length``,
  ``implementation_class_uid``, ``implementation_version_name``
  and, where they are negotiated, ``roles``, ``extended_negotiation``, ``max_operations_invoked``,
  ``max_operations_performed``, ``user_identity`` (its type, never its fields)
- ``A-ASSOCIATE-AC``: ``contexts`` (words), ``results`` (``<context id>=<result>``), …
- ``A-ASSOCIATE-RJ``: ``result``, ``source``, ``reason``; ``A-ABORT``: ``source``, ``reason``
- ``P-DATA-TF <command>``: ``command``, ``context_id``, ``message_id``, ``sop_class_uid``,
  ``sop_instance_uid``, ``status`` (``0xNNNN``), ``error_comment``, ``move_destination``, counters
- ``P-DATA-TF`` (a run of dataset fragments): ``pdus``, ``dataset_bytes``, ``complete``
- ``TLS handshake``, ``TLS alert`` (``alert``: its name, or ``encrypted``), ``TLS application_data``
- ``incomplete <kind>``: ``received`` and ``announced`` bytes of a PDU that never ended
- ``not DICOM``: ``first_bytes``
"""

from __future__ import annotations

import time
from threading import Lock

from dicom.tracing.entries import Ledger, Sender
from dicom.tracing.stream_parser import DirectionParser
from dicom.tracing.trace import AssociationTrace

__all__ = ["Sender", "StreamTracer"]


class StreamTracer:
    """Traces one TCP connection from the bytes of both directions; safe to use from any thread.

    Args:
        observer: who looks, as it will stand in the trace.
        requestor: who opened the connection (name or ``address:port``).
        acceptor: who accepted it.
        opened_at: seconds since the epoch; now by default.

    Feeding is incremental (any split of the stream gives the same trace), survives garbage, and
    costs memory only for the PDU header or command set in progress.
    """

    def __init__(
        self, observer: str, requestor: str, acceptor: str, *, opened_at: float | None = None
    ) -> None:
        self._observer, self._requestor, self._acceptor = observer, requestor, acceptor
        self._opened_at = time.time() if opened_at is None else opened_at
        self._opened = time.monotonic()
        self._ledger = Ledger()
        self._sides: dict[Sender, DirectionParser] = {
            "requestor": DirectionParser("requestor", self._ledger),
            "acceptor": DirectionParser("acceptor", self._ledger),
        }
        self._end = "open"
        self._lock = Lock()

    def feed(self, sender: Sender, data: bytes | memoryview, at: float | None = None) -> None:
        """Take note of ``data`` sent by ``sender``, ``at`` seconds after opening (default: now)."""
        moment = time.monotonic() - self._opened if at is None else at
        with self._lock:
            self._sides[sender].feed(memoryview(data), moment)

    def end(self, reason: str) -> None:
        """The connection is over; the first reason given stays.

        ``reason`` is one of ``AssociationTrace.end``. What the PDUs say (released, rejected,
        aborted) goes before what the transport says.
        """
        with self._lock:
            if self._end == "open":
                self._end = reason

    def trace(self) -> AssociationTrace:
        """The trace so far."""
        with self._lock:
            entries = self._ledger.entries()
            kinds = {entry.kind for entry in entries}
            unfinished = [part for side in self._sides.values() if (part := side.unfinished())]
            return AssociationTrace(
                observer=self._observer,
                opened_at=self._opened_at,
                requestor=self._requestor,
                acceptor=self._acceptor,
                pdus=tuple(entry.pdu() for entry in [*entries, *unfinished]),
                end=self._end if self._end == "timeout" else _ended_by(kinds) or self._end,
                encrypted=any(side.encrypted for side in self._sides.values()),
                omitted=self._ledger.omitted,
            )


def _ended_by(kinds: set[str]) -> str | None:
    if "A-ABORT" in kinds:
        return "aborted"
    if "A-ASSOCIATE-RJ" in kinds:
        return "rejected"
    return "released" if "A-RELEASE-RP" in kinds else None
