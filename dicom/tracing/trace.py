"""PDU trace of one association: what was sent, by whom, when, in the standard's words."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class TracedPdu(BaseModel):
    """One PDU on the wire.

    ``at`` is seconds since the connection opened, ``sender`` who sent it, ``kind`` the PDU's
    name in PS3.8 (``A-ASSOCIATE-RQ`` …) with ``DIMSE`` appended for the command it carries
    (``P-DATA-TF C-STORE-RQ``), ``length`` its size in bytes including the 6-byte header.
    ``fields`` holds what an administrator would look for (titles, contexts, result codes).
    An exchange of DICOMweb has its request (``HTTP POST``) and the head of its response (``HTTP
    200``, field ``status``) in place of PDUs.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: float
    sender: Literal["requestor", "acceptor"]
    kind: str
    length: int
    summary: str
    fields: dict[str, str | int | list[str]] = Field(default_factory=dict)


class AssociationTrace(BaseModel):
    """All PDUs of one TCP connection, in order of arrival at the observer.

    ``observer`` names who looked (``ct``, ``wire archive→peer``). ``opened_at`` is seconds since
    the epoch. ``end`` says how the connection ended: ``released``, ``rejected``, ``aborted``,
    ``closed by requestor``, ``closed by acceptor``, ``reset``, ``refused``, ``unreachable``,
    ``unresolved``, ``timeout``, ``open``.
    ``encrypted`` is True where only TLS records were visible.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    observer: str
    opened_at: float
    requestor: str
    acceptor: str
    pdus: tuple[TracedPdu, ...] = ()
    end: str = "open"
    encrypted: bool = False
    omitted: int = 0
