"""DIMSE responses: the parts that all services share (PS3.7 annex C)."""

from __future__ import annotations

from io import BytesIO

from pydicom.tag import Tag
from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE, C_STORE, N_ACTION, N_CREATE, N_SET

from archive.encoding import encode
from dicom.dimse.responses import Failure, Reply

Response = C_STORE | C_FIND | C_MOVE | C_GET | N_ACTION


def failed(
    response: Response, failure: Failure, *, offending: int | None = None, **facts: str
) -> None:
    """Give ``response`` the failure's status, and its comment with ``facts`` filled in.

    Args:
        response: the response to the request, without a status.
        failure: what the vendor answers.
        offending: tag for Offending Element (0000,0901).
        facts: values for the comment's ``{…}`` names.
    """
    response.Status = failure.status
    # pynetdicom's annotations know only the initial None
    if comment := failure.said(**facts):
        setattr(response, "ErrorComment", comment)
    if failure.error_id is not None:
        setattr(response, "ErrorID", failure.error_id)
    if offending is not None:
        setattr(response, "OffendingElement", Tag(offending))


def replied(response: N_CREATE | N_SET, reply: Reply, transfer_syntax: str) -> None:
    """Give ``response`` what ``reply`` says."""
    response.Status = reply.status
    # pynetdicom's annotations know only the initial None
    if reply.comment:
        setattr(response, "ErrorComment", reply.comment)
    if reply.error_id is not None:
        setattr(response, "ErrorID", reply.error_id)
    if reply.dataset is not None:
        response.AttributeList = BytesIO(encode(reply.dataset, transfer_syntax))
