"""What a running modality can be told to do, and what it answers: plain frozen data.

The same commands run in the caller's process (local backend) or over the control channel of a
container (docker backend). Every path is relative to the node's exchange folder, which both
sides see.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from modalities.fingerprint import Fingerprint
from modalities.ladder import Rung, Signature
from modalities.trace import AssociationTrace


class Frozen(BaseModel):
    """Base of all data that crosses a boundary: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Timeouts(Frozen):
    """How long a modality waits, in seconds, at each stage.

    ``connect`` bounds the TCP connect, and again the TLS handshake; ``acse`` the answer to an
    association or release request; ``dimse`` each response; ``network`` each PDU on its way out.
    """

    connect: float = 3.0
    acse: float = 5.0
    dimse: float = 10.0
    network: float = 15.0


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
    """The SCU's own side of an association."""

    calling: str
    max_pdu_length: int = 16382
    timeouts: Timeouts = Timeouts()


class Echo(Frozen):
    """C-ECHO (PS3.7 9.1.5)."""

    kind: Literal["echo"] = "echo"
    target: Target
    caller: Caller
    transfer_syntaxes: tuple[str, ...] | None = None


class Store(Frozen):
    """C-STORE of Part-10 files, each in the transfer syntax it is stored in, never transcoded.

    One presentation context is proposed per distinct (SOP class, transfer syntax) of the files.
    """

    kind: Literal["store"] = "store"
    target: Target
    caller: Caller
    files: tuple[str, ...]


class Find(Frozen):
    """C-FIND. ``keys`` maps attribute keywords to match values; empty means universal matching."""

    kind: Literal["find"] = "find"
    target: Target
    caller: Caller
    model: Literal["study", "patient"] = "study"
    level: str = "STUDY"
    keys: dict[str, str] = Field(default_factory=dict)


class Move(Frozen):
    """C-MOVE of what ``keys`` name to the AE title ``destination``."""

    kind: Literal["move"] = "move"
    target: Target
    caller: Caller
    destination: str
    model: Literal["study", "patient"] = "study"
    level: str = "STUDY"
    keys: dict[str, str] = Field(default_factory=dict)


class Received(Frozen):
    """Ask the node's own storage SCP what it has received since the last ``Forget``."""

    kind: Literal["received"] = "received"


class Forget(Frozen):
    """Empty the node's storage SCP and drop its traces."""

    kind: Literal["forget"] = "forget"


class Listen(Frozen):
    """(Re)start the node's storage SCP with this behaviour.

    ``accepted_sop_classes`` and ``accepted_transfer_syntaxes`` are UIDs; None accepts all.
    ``called_aetitles`` None accepts any called title, otherwise others get RJ 1/1/7.
    """

    kind: Literal["listen"] = "listen"
    aetitle: str
    port: int = Field(ge=0, le=65535)
    called_aetitles: tuple[str, ...] | None = None
    accepted_sop_classes: tuple[str, ...] | None = None
    accepted_transfer_syntaxes: tuple[str, ...] | None = None
    tls: Tls | None = None


Command = Annotated[
    Echo | Store | Find | Move | Received | Forget | Listen, Field(discriminator="kind")
]


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


class Report(Frozen):
    """The answer to any command.

    ``rung`` is the highest rung the exchange reached as the SCU saw it; ``signature`` is what
    stopped it there (None: the service was carried out). ``delivered`` is never claimed by an
    SCU. ``comment`` is the peer's Error Comment (0000,0902) or the exception's own words.
    ``answers`` are C-FIND identifiers as {keyword: value}. ``counters`` are the C-MOVE
    sub-operation counters of the final response (completed, failed, warning, remaining).
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
