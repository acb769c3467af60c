"""What a running modality can be told to do, and what it answers: plain frozen data.

The same commands run in the caller's process (local backend) or over the control channel of a
container (docker backend). Every path is relative to the node's exchange folder, which both
sides see.
"""

from __future__ import annotations

from pydantic import Field

from dicom.association.negotiated import Negotiated
from dicom.datasets.fingerprint import Fingerprint
from dicom.frozen import Frozen
from dicom.ladder import CARRIED_OUT, ObjectReport, Outcome
from dicom.tracing.trace import AssociationTrace
from dicom.workflow.performed import PerformedStep
from dicom.workflow.storage_commitment import CommitmentResult


class Command(Frozen):
    """Base of what a node can be told to do. ``kind`` is a literal, unique to each sort.

    Each sort is defined where it is carried out: one file of ``modalities.services``.
    """

    kind: str


class ReceivedInstance(Frozen):
    """One instance that a storage SCP received and holds."""

    fingerprint: Fingerprint
    calling_aetitle: str
    called_aetitle: str
    move_originator: str = ""


class Report(Frozen):
    """The answer to any command.

    ``outcome`` is how far the exchange got as the SCU saw it; ``delivered`` it never claims.
    ``comment`` is the peer's Error Comment (0000,0902) or the exception's own words. ``answers``
    are C-FIND identifiers as {keyword: value}, attributes of items by dotted keywords (see
    ``dicom.datasets.identifier``). ``counters`` are the sub-operation counters of the last
    C-MOVE or C-GET response (completed, failed, warning, remaining). ``negotiated`` is what each
    accepted association was accepted with. ``sop_instance_uid`` is the instance that an N-CREATE or
    N-SET was about. ``commitment`` is what came back on a storage commitment request,
    ``commitments`` and ``performed`` are all that came to the node's own SCP: such results, and
    performed procedure steps.
    """

    outcome: Outcome = CARRIED_OUT
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
