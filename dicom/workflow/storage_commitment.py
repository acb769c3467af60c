"""Storage Commitment Push Model (PS3.4 annex J): its names, and what its datasets say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, Protocol

from pydantic import Field
from pydicom import Dataset
from pydicom.uid import UID

from dicom.frozen import Frozen

#: SOP class, its well-known instance, and its only action type (PS3.4 J.3.2 and J.3.5).
STORAGE_COMMITMENT: Final = UID("1.2.840.10008.1.20.1")
STORAGE_COMMITMENT_INSTANCE: Final = UID("1.2.840.10008.1.20.1.1")
REQUEST_STORAGE_COMMITMENT: Final = 1
#: "Processing failure" (PS3.4 J.3.3.1.1), for an SCP that leaves out the reason that it owes.
_PROCESSING_FAILURE: Final = 0x0110


class AwaitsCommitment(Protocol):
    """Where an SCP's own association brings the result of a request."""

    def await_commitment(self, transaction_uid: str, seconds: float) -> CommitmentResult | None:
        """The result of that transaction, as soon as it is there; None if it does not come."""


def commitment_request(transaction_uid: str, instances: Iterable[tuple[str, str]]) -> Dataset:
    """Action Information (PS3.4 table J.3-1) about (SOP class, SOP instance) UIDs.

    An empty ``transaction_uid`` is left out, which no SCP should put up with.
    """
    information = Dataset()
    if transaction_uid:
        information.TransactionUID = transaction_uid
    items = []
    for sop_class, sop_instance in instances:
        item = Dataset()
        item.ReferencedSOPClassUID = sop_class
        item.ReferencedSOPInstanceUID = sop_instance
        items.append(item)
    information.ReferencedSOPSequence = items
    return information


def commitment_result(information: Dataset, on: Literal["same", "own"]) -> CommitmentResult:
    """What Event Information (PS3.4 table J.3-2) says."""
    return CommitmentResult(
        transaction_uid=str(information.get("TransactionUID") or ""),
        committed=tuple(
            str(item.get("ReferencedSOPInstanceUID") or "")
            for item in information.get("ReferencedSOPSequence") or ()
        ),
        failed={
            str(item.get("ReferencedSOPInstanceUID") or ""): int(
                item.get("FailureReason") or _PROCESSING_FAILURE
            )
            for item in information.get("FailedSOPSequence") or ()
        },
        on=on,
    )


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
