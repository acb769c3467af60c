"""The two ends of an association: who asks, whom, over what, and how long it waits."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dicom.association.negotiated import (
    AsynchronousOperations,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    RoleSelection,
    UserIdentity,
)
from dicom.frozen import Frozen


class Timeouts(Frozen):
    """How long a modality waits, in seconds, at each stage.

    ``connect`` bounds the TCP connect, and again the TLS handshake; ``acse`` the answer to an
    association or release request; ``dimse`` each response; ``network`` each PDU on its way out.
    """

    connect: float = Field(3.0, gt=0)
    acse: float = Field(5.0, gt=0)
    dimse: float = Field(10.0, gt=0)
    network: float = Field(15.0, gt=0)


class Tls(Frozen):
    """One side's DICOM TLS material (PS3.15 annex B): PEM files, relative to the exchange folder.

    ``trusted`` is the CA bundle the peer's certificate must chain to (None: the peer is not
    verified). ``certificate`` and ``key`` are presented to the peer.
    """

    trusted: str | None = None
    certificate: str | None = None
    key: str | None = None
    check_hostname: bool = False
    require_peer_certificate: bool = True
    minimum_version: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    maximum_version: Literal["TLSv1.2", "TLSv1.3"] = "TLSv1.3"
    ciphers: str | None = None


class Target(Frozen):
    """The SCP as the SCU believes it to be: address, called AE title, TLS or not."""

    host: str
    port: int = Field(ge=1, le=65535)
    called: str
    tls: Tls | None = None


class Caller(Frozen):
    """The SCU's own side of an association.

    What is left at its default adds nothing to the A-ASSOCIATE-RQ. ``max_pdu_length`` is in
    bytes, 0 for any. ``roles``, ``extended`` and ``common_extended`` hold at most one entry a
    SOP class. ``implementation_class_uid`` and ``implementation_version_name`` stand for those of
    this software (an empty version name sends none), ``application_context`` for DICOM's.
    """

    calling: str
    max_pdu_length: int = 16382
    timeouts: Timeouts = Timeouts()
    user_identity: UserIdentity | None = None
    asynchronous: AsynchronousOperations | None = None
    roles: tuple[RoleSelection, ...] = ()
    extended: tuple[ExtendedNegotiation, ...] = ()
    common_extended: tuple[CommonExtendedNegotiation, ...] = ()
    implementation_class_uid: str | None = None
    implementation_version_name: str | None = None
    application_context: str | None = None
