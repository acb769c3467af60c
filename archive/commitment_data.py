"""What is asked for and reported in storage commitment (PS3.4 tables J.3-1 and J.3-2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from pydicom import Dataset
from pynetdicom.dimse_primitives import N_ACTION

from archive.store import ObjectStore
from dicom.association.accepted import Context
from dicom.datasets.codec import decode
from dicom.datasets.encoding import MalformedDatasetError
from dicom.services.responses import content_of
from dicom.workflow.storage_commitment import (
    REQUEST_STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE,
)

#: Failure Reasons (PS3.3 C.14): no such instance, class-instance conflict, processing failure.
_NO_SUCH_INSTANCE: Final = 0x0112
_CLASS_CONFLICT: Final = 0x0119
_PROCESSING_FAILURE: Final = 0x0110
#: SQLite binds a limited number of values at a time.
_AT_ONCE: Final = 500


class ReferencedInstance(NamedTuple):
    """What commitment is asked for, or reported about: SOP class, instance, Failure Reason."""

    sop_class: str
    sop_instance: str
    reason: int = 0


def judged(store: ObjectStore, asked: Sequence[ReferencedInstance]) -> list[ReferencedInstance]:
    """Each instance with its Failure Reason, 0 where ``store`` holds it."""
    uids = list(dict.fromkeys(each.sop_instance for each in asked))
    held: dict[str, list[tuple[str, bool]]] = {}
    for start in range(0, len(uids), _AT_ONCE):
        for each in store.select({"SOPInstanceUID": uids[start : start + _AT_ONCE]}):
            there = each.path.exists()
            held.setdefault(each.sop_instance, []).append((each.sop_class, there))
    return [each._replace(reason=_reason(each, held)) for each in asked]


def _reason(asked: ReferencedInstance, held: dict[str, list[tuple[str, bool]]]) -> int:
    copies = held.get(asked.sop_instance)
    if not copies:
        return _NO_SUCH_INSTANCE
    there = [there for sop_class, there in copies if sop_class == asked.sop_class]
    if not there:
        return _CLASS_CONFLICT
    return 0 if any(there) else _PROCESSING_FAILURE


def requested(action: N_ACTION, context: Context) -> tuple[str, tuple[ReferencedInstance, ...]]:
    """Transaction UID and instances of a request.

    Raises:
        ValueError: it asks for something else, or lacks what PS3.4 table J.3-1 requires.
    """
    if action.ActionTypeID != REQUEST_STORAGE_COMMITMENT:
        raise ValueError(f"action type {action.ActionTypeID}")
    if action.RequestedSOPInstanceUID != STORAGE_COMMITMENT_INSTANCE:
        raise ValueError(f"instance {action.RequestedSOPInstanceUID}")
    try:
        information = decode(content_of(action), context.transfer_syntax)
    except MalformedDatasetError as error:
        raise ValueError(str(error)) from error
    transaction = str(information.get("TransactionUID") or "")
    if not transaction:
        raise ValueError("Missing TransactionUID (0008,1195)")
    if "ReferencedSOPSequence" not in information:
        raise ValueError("Missing ReferencedSOPSequence (0008,1199)")
    return transaction, tuple(
        ReferencedInstance(
            str(item.get("ReferencedSOPClassUID") or ""),
            str(item.get("ReferencedSOPInstanceUID") or ""),
        )
        for item in information.ReferencedSOPSequence
    )


def information_of(
    transaction: str, judged: Iterable[ReferencedInstance], *, lists_none: bool
) -> Dataset:
    """Event Information (PS3.4 table J.3-2); ``lists_none`` as in ``Commitment``."""
    information = Dataset()
    information.TransactionUID = transaction
    committed: list[Dataset] = []
    refused: list[Dataset] = []
    for each in judged:
        item = Dataset()
        item.ReferencedSOPClassUID = each.sop_class
        item.ReferencedSOPInstanceUID = each.sop_instance
        if each.reason:
            item.FailureReason = each.reason
        (refused if each.reason else committed).append(item)
    if committed or lists_none or not refused:
        information.ReferencedSOPSequence = committed
    if refused:
        information.FailedSOPSequence = refused
    return information
