"""The neutral settings of an archive: one vocabulary, which each stack puts into its own keys.

None always means "left as the vendor ships it".
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from dicom.frozen import Frozen

#: AE title: 1 to 16 characters, no backslash or control characters (PS3.5 table 6.2-1).
AETitle = Annotated[str, StringConstraints(min_length=1, max_length=16, pattern=r"^[ -\[\]-~]+$")]
#: DIMSE services as an administrator permits or refuses them.
Service = Literal["echo", "store", "find", "move", "get"]


class KnownAE(Frozen):
    """A remote AE in an archive's table: who it is and where it listens.

    ``name`` is what the archive's administrator calls the entry (by default its title).
    """

    name: str = ""
    title: str
    host: str
    port: int = Field(ge=1, le=65535)
    tls: bool = False


class TlsServer(Frozen):
    """DICOM TLS on an archive's port.

    ``certificate`` and ``trusted`` name material of the run's certificate authority
    (``orchestrator/lab/certificates.py``): ``archive``, ``archive-expired``, … and ``lab-ca``,
    ``other-ca``, ….
    """

    certificate: str = "archive"
    trusted: str = "lab-ca"
    require_client_certificate: bool = True


class ArchiveSettings(Frozen):
    """What a scenario can set on an archive. Field descriptions are what `pacslab schema` shows.

    A setting that is left out is nobody's concern; one that is given as null must be as the
    vendor ships it, which matters on an archive that somebody has set up otherwise.
    """

    aetitle: AETitle = Field("ARCHIVE", description="the archive's own AE title")
    check_called_aetitle: bool | None = Field(
        None, description="reject associations whose called AE title is not the archive's own"
    )
    case_sensitive_aetitle: bool | None = Field(
        None, description="compare AE titles case-sensitively"
    )
    accepted_calling_aetitles: tuple[AETitle, ...] | None = Field(
        None, description="the only calling AE titles allowed; empty list: nobody"
    )
    known_aes: tuple[KnownAE, ...] = Field(
        (), description="the archive's table of remote AEs (C-MOVE destinations, send targets)"
    )
    refused_services: tuple[Service, ...] = Field(
        (), description="services that the archive refuses to every remote AE"
    )
    accepted_sop_classes: tuple[str, ...] | None = Field(
        None, description="the only storage SOP classes accepted (UIDs or pydicom keywords)"
    )
    accept_unknown_sop_classes: bool | None = Field(
        None, description="accept storage SOP classes that the product's own list does not know"
    )
    accepted_transfer_syntaxes: tuple[str, ...] | None = Field(
        None, description="the only transfer syntaxes accepted for storage (UIDs or keywords)"
    )
    max_pdu_length: int | None = Field(
        None, ge=4096, le=131072, description="maximum PDU length that the archive announces, bytes"
    )
    max_associations: int | None = Field(
        None, ge=1, description="associations accepted at the same time"
    )
    idle_timeout: float | None = Field(
        None, gt=0, description="seconds after which an idle association is aborted"
    )
    overwrite_policy: Literal["never", "always", "same-source"] | None = Field(
        None, description="what happens when a SOP Instance UID arrives again with other content"
    )
    synchronous_move: bool | None = Field(
        None, description="answer a C-MOVE after its sub-operations, not before"
    )
    tls: TlsServer | None = Field(None, description="speak DICOM TLS instead of plain TCP")
