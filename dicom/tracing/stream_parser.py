"""Parses one direction of a connection, byte by byte if need be: DICOM PDUs or TLS records.

It collects what the current state needs, hands it over, and skips what nobody needs (dataset
fragments, record bodies). Nothing raises: what can't be parsed becomes one entry ``not DICOM``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dicom.tracing.boundaries import PDU_HEADER, PDV_HEADER, pdu_header, pdv_header
from dicom.tracing.entries import Ledger, Sender, TraceEntry
from dicom.tracing.pdu_words import (
    PDU_KINDS,
    TLS_RECORDS,
    Description,
    Fields,
    alert_name,
    describe_command,
    describe_pdu,
    tls_record_header,
)

_P_DATA: Final = 0x04
#: No association PDU comes near this; more is garbage that happens to start like one.
_MAX_ASSOCIATION_PDU: Final = 1 << 20
_MAX_COMMAND_SET: Final = 1 << 16
_HANDSHAKES: Final = {1: "client_hello", 2: "server_hello", 11: "certificate"}
_ALERT, _HANDSHAKE, _APPLICATION_DATA = 21, 22, 23


class DirectionParser:
    """Parser of one direction: collects ``_need`` bytes, hands them to ``_next``; or skips."""

    def __init__(self, sender: Sender, ledger: Ledger) -> None:
        self._sender: Sender = sender
        self._ledger = ledger
        self._buffer = bytearray()
        self._need = 1
        self._skip = 0
        self._next: Callable[[bytes], None] = self._first_byte
        self._at = 0.0
        self._started_at = 0.0
        self.encrypted = False
        # the PDU or record in progress
        self._kind = ""
        self._announced = 0
        self._received = 0
        self._pdu_left = 0
        self._described: Description | None = None
        self._has_dataset = False
        self._dataset_bytes = 0
        self._dataset_ended = False
        # across PDUs
        self._command = bytearray()
        self._message = ""
        self._run: TraceEntry | None = None
        self._garbage: TraceEntry | None = None

    def feed(self, data: memoryview, at: float) -> None:
        self._at = at
        while data:
            if self._garbage is not None:
                self._garbage.length += len(data)
                return
            if not self._received:
                self._started_at = at
            if self._skip:
                taken = min(self._skip, len(data))
                self._skip -= taken
            else:
                taken = min(self._need - len(self._buffer), len(data))
                self._buffer += data[:taken]
            self._received += taken
            rest = data[taken:]
            if not self._skip and len(self._buffer) >= self._need:
                self._advance(rest)
            data = rest

    def unfinished(self) -> TraceEntry | None:
        """The PDU that began and has not ended, if any."""
        if not self._received or self._garbage is not None:
            return None
        fields: Fields = {"received": self._received, "announced": self._announced}
        return TraceEntry(
            self._started_at,
            self._sender,
            f"incomplete {self._kind or 'header'}",
            self._received,
            f"{self._received} of {self._announced or 'unknown'} bytes",
            fields,
        )

    def _advance(self, rest: memoryview) -> None:
        """Run states until one wants bytes that aren't there yet."""
        while not self._skip and len(self._buffer) >= self._need and self._garbage is None:
            taken = bytes(self._buffer[: self._need])
            del self._buffer[: self._need]
            self._next(taken)
        if self._garbage is not None:
            self._describe_garbage(rest)

    def _expect(self, need: int, state: Callable[[bytes], None]) -> None:
        self._need, self._next = need, state

    # --- what the direction speaks

    def _first_byte(self, byte: bytes) -> None:
        self._buffer[:0] = byte
        if byte[0] in TLS_RECORDS:
            self._expect(5, self._tls_header)
        else:
            self._expect(PDU_HEADER if byte[0] in PDU_KINDS else 1, self._pdu_header)

    def _give_up(self, seen: bytes) -> None:
        """Nothing after ``seen`` can be parsed: one entry for the rest of this direction."""
        self._garbage = TraceEntry(self._started_at, self._sender, "not DICOM", self._received, "")
        self._buffer[:0] = seen

    def _describe_garbage(self, rest: memoryview) -> None:
        garbage = self._garbage
        if garbage is not None and not garbage.summary:
            first = bytes(self._buffer) + bytes(rest[:64])
            garbage.summary = repr(first[:48])
            garbage.fields = {"first_bytes": first[:48].hex(" ")}
            self._ledger.add(garbage)
            self._buffer.clear()

    # --- DICOM upper layer (PS3.8 9.3)

    def _pdu_header(self, header: bytes) -> None:
        if header[0] not in PDU_KINDS:
            self._give_up(header)
            return
        if len(header) < PDU_HEADER:
            self._buffer[:0] = header
            self._expect(PDU_HEADER, self._pdu_header)
            return
        pdu_type, length = read = pdu_header(header)
        self._kind, self._announced = PDU_KINDS[pdu_type], read.size
        if pdu_type == _P_DATA:
            self._pdu_left = length
            self._described, self._has_dataset = None, False
            self._dataset_bytes, self._dataset_ended = 0, False
            self._next_value()
        elif length > _MAX_ASSOCIATION_PDU:
            self._give_up(header)
        else:
            self._buffer[:0] = header
            self._expect(read.size, self._association_pdu)

    def _association_pdu(self, pdu: bytes) -> None:
        described = describe_pdu(pdu[0], pdu)
        self._add(described, len(pdu))
        self._run = None
        self._pdu_ended()

    def _next_value(self) -> None:
        if self._pdu_left == 0:
            self._data_pdu_ended()
        elif self._pdu_left < PDV_HEADER:
            self._give_up(b"")
        else:
            self._expect(PDV_HEADER, self._value_header)

    def _value_header(self, header: bytes) -> None:
        context_id, control, body = read = pdv_header(header)
        self._pdu_left -= read.size
        if body < 0 or self._pdu_left < 0:
            self._give_up(header)
        elif not control & 1:
            self._has_dataset = True  # the last fragment may be empty (PS3.8 9.3.5.1)
            self._dataset_bytes += body
            self._dataset_ended = bool(control & 2)
            self._skip = body
            self._expect(0, lambda _: self._next_value())
        elif len(self._command) + body > _MAX_COMMAND_SET:
            self._give_up(header)
        else:
            self._expect(body, lambda data: self._command_fragment(data, context_id, control))

    def _command_fragment(self, data: bytes, context_id: int, control: int) -> None:
        self._command += data
        if control & 2:
            self._described = describe_command(bytes(self._command), context_id)
            self._message = str(self._described.fields.get("command", "message"))
            self._command.clear()
        self._next_value()

    def _data_pdu_ended(self) -> None:
        if self._described is not None:
            fields = dict(self._described.fields)
            if self._dataset_bytes:
                fields["dataset_bytes"] = self._dataset_bytes
            self._add(self._described._replace(fields=fields), self._announced)
            self._run = None
        elif self._run is not None and self._has_dataset:
            self._run.length += self._announced
            self._run.pdus += 1
            self._ledger.omitted += 1
        else:
            what = f"dataset of {self._message}" if self._has_dataset else "part of a command"
            self._run = self._add(Description("P-DATA-TF", what, {}, False), self._announced)
        if self._run is not None and self._has_dataset:
            self._grow(self._run)
        if self._dataset_ended:
            self._run = None
        self._pdu_ended()

    def _grow(self, run: TraceEntry) -> None:
        total = int(str(run.fields.get("dataset_bytes", 0))) + self._dataset_bytes
        complete = "yes" if self._dataset_ended else "no"
        run.fields = {"pdus": run.pdus, "dataset_bytes": total, "complete": complete}
        run.summary = f"dataset of {self._message}, {total} bytes in {run.pdus} PDU" + (
            "s" if run.pdus > 1 else ""
        )

    def _pdu_ended(self) -> None:
        self._kind, self._announced, self._received = "", 0, 0
        self._expect(1, self._pdu_header)

    # --- TLS records (RFC 8446 5.1)

    def _tls_header(self, header: bytes) -> None:
        record = tls_record_header(header)
        if record is None:
            self._give_up(header)
            return
        kind, length = record
        self.encrypted = True
        self._kind, self._announced = f"TLS {TLS_RECORDS[kind]}", 5 + length
        if kind == _ALERT and length == 2:
            self._expect(2, self._tls_alert)
        elif kind == _HANDSHAKE and length:
            self._expect(1, lambda first: self._tls_handshake(first[0], length))
        else:
            self._skip = length
            self._expect(0, lambda _: self._tls_record(kind))

    def _tls_alert(self, body: bytes) -> None:
        name = alert_name(body[1])
        level = {1: "warning", 2: "fatal"}.get(body[0], "unknown level")
        self._add(Description("TLS alert", f"{level}: {name}", {"alert": name}), self._announced)
        self._record_ended()

    def _tls_handshake(self, message: int, length: int) -> None:
        name = _HANDSHAKES.get(message, "handshake")
        self._add(Description("TLS handshake", name, {"message": name}), self._announced)
        self._skip = length - 1
        self._expect(0, lambda _: self._record_ended())

    def _tls_record(self, kind: int) -> None:
        if kind == _ALERT:
            described = Description("TLS alert", "encrypted", {"alert": "encrypted"})
            self._add(described, self._announced)
        elif kind == _APPLICATION_DATA and self._run is not None:
            self._run.length += self._announced
            self._run.pdus += 1
            self._run.fields = {"records": self._run.pdus}
            self._ledger.omitted += 1
        else:
            entry = self._add(Description(self._kind, "", {}), self._announced)
            self._run = entry if kind == _APPLICATION_DATA else None
        self._record_ended()

    def _record_ended(self) -> None:
        self._kind, self._announced, self._received = "", 0, 0
        self._expect(5, self._tls_header)

    def _add(self, described: Description, length: int) -> TraceEntry:
        entry = TraceEntry(
            self._started_at,
            self._sender,
            described.kind,
            length,
            described.summary,
            dict(described.fields),
            described.notable,
        )
        self._ledger.add(entry)
        return entry
