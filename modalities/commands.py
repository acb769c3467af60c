"""What a running modality can be told to do, and what it answers: plain frozen data.

The same commands run in the caller's process (local backend) or over the control channel of a
container (docker backend). Every path is relative to the node's exchange folder, which both
sides see.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from modalities.association.negotiated import (
    AsynchronousOperations,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    Negotiated,
    RoleSelection,
    UserIdentity,
)
from modalities.datasets.fingerprint import Fingerprint
from modalities.frozen import Frozen
from modalities.ladder import Rung, Signature
from modalities.ris.performed import PerformedStep
from modalities.tracing.trace import AssociationTrace


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


class Command(Frozen):
    """Base of what a node can be told to do. ``kind`` is a literal, unique to each sort.

    Each sort is defined where it is carried out: one file of ``modalities.services``.
    """

    kind: str


class ObjectReport(Frozen):
    """What became of one object: the rung it reached, and the signature if it stopped there."""

    file: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    rung: Rung
    signature: Signature | None = None
    comment: str = ""


class ReceivedInstance(Frozen):
    """One instance that a storage SCP received and holds."""

    fingerprint: Fingerprint
    calling_aetitle: str
    called_aetitle: str
    move_originator: str = ""


class CommitmentResult(Frozen):
    """What an SCP reported about one storage commitment request (PS3.4 J.3.3).

    ``committed`` are SOP Instance UIDs; ``failed`` maps SOP Instance UIDs to their Failure
    Reason (0008,1197). ``on`` is the association that the N-EVENT-REPORT came on: the ``same``
    that carried the request, or one of the SCP's ``own``.
    """

    transaction_uid: str
    committed: tuple[str, ...] = ()
    failed: dict[str, int] = Field(default_factory=dict)
    on: Literal["same", "own"]


class Report(Frozen):
    """The answer to any command.

    ``rung`` is the highest rung the exchange reached as the SCU saw it; ``signature`` is what
    stopped it there (None: the service was carried out). ``delivered`` is never claimed by an SCU.
    ``comment`` is the peer's Error Comment (0000,0902) or the exception's own words. ``answers``
    are C-FIND identifiers as {keyword: value}, attributes of items by dotted keywords (see
    ``modalities.datasets.identifier``). ``counters`` are the sub-operation counters of the last
    C-MOVE or C-GET response (completed, failed, warning, remaining). ``negotiated`` is what each
    accepted association was accepted with. ``sop_instance_uid`` is the instance that an N-CREATE or
    N-SET was about. ``commitment`` is what came back on a storage commitment request,
    ``commitments`` and ``performed`` are all that came to the node's own SCP: such results, and
    performed procedure steps.
    """

    rung: Rung = Rung.DIMSE
    signature: Signature | None = None
    comment: str = ""
    objects: tuple[ObjectReport, ...] = ()
    answers: tuple[dict[str, str], ...] = ()
    counters: dict[str, int] = Field(default_factory=dict)
    received: tuple[ReceivedInstance, ...] = ()
    traces: tuple[AssociationTrace, ...] = ()
    port: int = 0
    commitment: CommitmentResult | None = None
    commitments: tuple[CommitmentResult, ...] = ()
    negotiated: tuple[Negotiated, ...] = ()
    sop_instance_uid: str = ""
    performed: tuple[PerformedStep, ...] = ()
