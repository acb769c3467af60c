"""Who a product lets in, what it negotiates, and what it makes of PDUs that are not due."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from dicom.datasets.uids import uid_of
from dicom.frozen import Frozen
from dicom.settings import Service

#: A UID, written as such or as pydicom's keyword (``CTImageStorage``).
Uid = Annotated[str, AfterValidator(uid_of)]


class Abort(Frozen):
    """A-ABORT source and reason (PS3.8 9.3.8)."""

    source: Literal[0, 2]
    reason: int = Field(ge=0, le=6)


class Admission(Frozen):
    """Who may do what."""

    open_services: tuple[Service, ...] = Field(
        description="services that callers outside the table of known AEs may use"
    )
    unknown_caller: Literal["association", "service"] = Field(
        description="where a caller outside the accepted list is refused: A-ASSOCIATE-RJ 1/1/3,"
        " or A-ABORT when it asks for the service"
    )
    refused_service: Literal["abort", "context"] = Field(
        description="a switched-off service: A-ABORT on the request, or its contexts are refused"
    )
    association_timeout: float = Field(
        gt=0, description="seconds that a connection may stay silent before its A-ASSOCIATE-RQ"
    )
    one_at_a_time: bool = Field(
        False, description="no other association is accepted while one is being established"
    )
    garbage: Literal["reset", "close"] = Field(
        "close", description="reaction to bytes that are not DICOM on the plain port"
    )
    hasty_pdu: Abort | None = Field(
        None,
        description="reaction to any other PDU where the A-ASSOCIATE-RQ is due; None: as to"
        " garbage",
    )


class Negotiation(Frozen):
    """Presentation contexts and PDUs."""

    storage_classes_except: tuple[Uid, ...] = Field(
        (), description="standard storage SOP classes that the product does not know"
    )
    extra_storage_classes: tuple[Uid, ...] = Field(
        (), description="further (private) storage SOP classes that it knows"
    )
    query_models: tuple[Literal["study", "patient", "patient-study-only"], ...]
    query_transfer_syntaxes: tuple[Uid, ...] = Field(
        description="for Verification and query/retrieve, the preferred one first"
    )
    preferred_transfer_syntaxes: tuple[Uid, ...] = Field(
        (), description="for storage, before all others; empty: the requestor's order decides"
    )
    refused_storage_syntax: Literal[3, 4] = Field(
        4, description="result for a storage context without an accepted transfer syntax"
    )
    unknown_pdu: Abort = Field(description="a PDU of a type that there is not, by its header")
    unexpected_pdu: Abort = Field(
        Abort(source=2, reason=2),
        description="a PDU that is not due in an association, such as another A-ASSOCIATE-RQ",
    )
    malformed_pdu: Abort = Field(
        Abort(source=2, reason=6), description="a P-DATA-TF or a command set that can't be read"
    )
    misplaced_fragment: Abort = Field(
        Abort(source=2, reason=5),
        description="a fragment of a dataset, or of another context, where one of a command is due",
    )
    broken_dataset: Abort | None = Field(
        Abort(source=2, reason=5),
        description="a fragment of a command, or of another context, where one of a dataset is"
        " due; None: its message is dropped unanswered, and what still comes of the dataset is a"
        " misplaced_fragment",
    )
    larger_pdu: Abort | None = Field(
        None, description="reaction to a PDU above the announced maximum; None: accepted"
    )
    largest_pdu: int = Field(1 << 24, description="above this many bytes a PDU is always aborted")
    largest_pdu_abort: Abort = Abort(source=2, reason=6)
