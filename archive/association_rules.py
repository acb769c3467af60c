"""Who a product lets in, what it negotiates, and what it makes of PDUs that are not due."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from dicom.association.rules import PduRules, PortRules
from dicom.datasets.uids import uid_of
from dicom.settings import Service

#: A UID, written as such or as pydicom's keyword (``CTImageStorage``).
Uid = Annotated[str, AfterValidator(uid_of)]


class Admission(PortRules):
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
    garbage: Literal["reset", "close"] = Field(
        "close", description="reaction to bytes that are not DICOM on the plain port"
    )


class Negotiation(PduRules):
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
