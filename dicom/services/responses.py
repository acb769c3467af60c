"""DIMSE requests and responses: the parts that all services share (PS3.7 annex C)."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, Final, TypeVar

from pydicom import Dataset
from pydicom.tag import Tag
from pynetdicom.dimse_primitives import DimsePrimitiveType

from dicom.datasets.codec import encode
from dicom.dimse.responses import DimseReply, Failure

R = TypeVar("R", bound=DimsePrimitiveType)
#: Reads the dataset of a request in a transfer syntax; MalformedDatasetError: it can't.
Decode = Callable[[bytes, str], Dataset]
#: What a request calls its dataset.
_DATASETS: Final = (
    "DataSet",
    "Identifier",
    "AttributeList",
    "ModificationList",
    "ActionInformation",
    "EventInformation",
)
#: What a response repeats, under its own name or that of the request.
_REPEATED: Final = {
    "AffectedSOPClassUID": "RequestedSOPClassUID",
    "AffectedSOPInstanceUID": "RequestedSOPInstanceUID",
    "ActionTypeID": "ActionTypeID",
    "EventTypeID": "EventTypeID",
}


class RefusedError(Exception):
    """A request is answered with ``failure``, and Offending Element (0000,0901) ``offending``."""

    def __init__(self, failure: Failure, words: str, offending: int | None = None) -> None:
        super().__init__(words)
        self.failure, self.offending = failure, offending


def content_of(request: DimsePrimitiveType) -> bytes:
    """The request's dataset as it came; empty if it has none."""
    contents = (getattr(request, name, None) for name in _DATASETS)
    return next((each.getvalue() for each in contents if isinstance(each, BytesIO)), b"")


def response_to(request: R) -> R:
    """The response to ``request``, without a status."""
    response = type(request)()
    response.MessageIDBeingRespondedTo = getattr(request, "MessageID", None)
    for name, other in _REPEATED.items():
        value = getattr(request, name, None) or getattr(request, other, None)
        if value is not None and hasattr(response, name):
            setattr(response, name, value)
    return response


def failed(
    response: DimsePrimitiveType, failure: Failure, *, offending: int | None = None, **facts: str
) -> None:
    """Give ``response`` the failure's status, and its comment with ``facts`` filled in.

    Args:
        response: the response to the request, without a status.
        failure: what is answered.
        offending: tag for Offending Element (0000,0901).
        facts: values for the comment's ``{…}`` names.
    """
    _fill(response, failure.status, failure.said(**facts), failure.error_id)
    if offending is not None:
        setattr(response, "OffendingElement", Tag(offending))


def replied(response: DimsePrimitiveType, reply: DimseReply, transfer_syntax: str) -> None:
    """Give ``response`` what ``reply`` says; a dataset is an Attribute List."""
    _fill(response, reply.status, reply.comment, reply.error_id)
    if reply.dataset is not None:
        setattr(response, "AttributeList", BytesIO(encode(reply.dataset, transfer_syntax)))


def _fill(response: Any, status: int, comment: str, error_id: int | None) -> None:
    # pynetdicom's annotations know only the initial None
    response.Status = status
    if comment:
        response.ErrorComment = comment
    if error_id is not None:
        response.ErrorID = error_id
