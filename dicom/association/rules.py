"""What an acceptor makes of connections and PDUs that are not due: data, which products differ in.

The descriptions are those of a vendor profile, whose ``admission`` and ``negotiation`` extend these
rules.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dicom.frozen import Frozen


class Abort(Frozen):
    """A-ABORT source and reason (PS3.8 9.3.8)."""

    source: Literal[0, 2]
    reason: int = Field(ge=0, le=6)


class PortRules(Frozen):
    """Connections that are no association yet.

    With ``garbage`` ``abort`` everything is taken for a PDU, and answered as ``hasty_pdu`` says.
    """

    association_timeout: float = Field(
        gt=0, description="seconds that a connection may stay silent before its A-ASSOCIATE-RQ"
    )
    one_at_a_time: bool = Field(
        False, description="no other association is accepted while one is being established"
    )
    garbage: Literal["reset", "close", "abort"] = Field(
        "close", description="reaction to bytes that are not DICOM on the plain port"
    )
    hasty_pdu: Abort | None = Field(
        None,
        description="reaction to any other PDU where the A-ASSOCIATE-RQ is due; None: as to"
        " garbage",
    )


class PduRules(Frozen):
    """PDUs and fragments of an association that are not due, too long, or can't be read."""

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
