"""The entries of a PDU trace while it grows, and the ledger that keeps it short."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, Literal

from dicom.tracing.pdu_words import Fields
from dicom.tracing.trace import TracedPdu

Sender = Literal["requestor", "acceptor"]

#: A trace keeps its beginning, its end, and between them what is notable: at most 200 entries.
_HEAD: Final = 80
_NOTABLE: Final = 40
_TAIL: Final = 80


@dataclass(slots=True)
class TraceEntry:
    """A ``TracedPdu`` in the making; runs of fragments grow."""

    at: float
    sender: Sender
    kind: str
    length: int
    summary: str
    fields: Fields = field(default_factory=dict)
    notable: bool = True
    pdus: int = 1

    def pdu(self) -> TracedPdu:
        return TracedPdu(
            at=round(self.at, 6),
            sender=self.sender,
            kind=self.kind,
            length=self.length,
            summary=self.summary,
            fields=self.fields,
        )


class Ledger:
    """Entries in order, bounded; ``omitted`` counts PDUs without an entry of their own."""

    def __init__(self) -> None:
        self._head: list[TraceEntry] = []
        self._notable: list[TraceEntry] = []
        self._tail: deque[TraceEntry] = deque()
        self.omitted = 0

    def add(self, entry: TraceEntry) -> None:
        if len(self._head) < _HEAD:
            self._head.append(entry)
            return
        self._tail.append(entry)
        if len(self._tail) > _TAIL:
            oldest = self._tail.popleft()
            if oldest.notable and len(self._notable) < _NOTABLE:
                self._notable.append(oldest)
            else:
                self.omitted += 1  # a run's further PDUs were counted as they came

    def entries(self) -> list[TraceEntry]:
        return [*self._head, *self._notable, *self._tail]
