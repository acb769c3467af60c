"""C-FIND as SCP (PS3.4 C.4.1, K.4.1): matches one by one, until there are no more or C-CANCEL."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import Final, NamedTuple

from pydicom import Dataset
from pynetdicom.dimse_primitives import C_FIND

from dicom.association.accepted import AcceptedAssociation, Context
from dicom.datasets.codec import encode
from dicom.datasets.encoding import MalformedDatasetError
from dicom.dimse.responses import CANCELLED, PENDING, SUCCESS, Failure
from dicom.errors import UsageError
from dicom.services.responses import Decode, RefusedError, content_of, failed, response_to
from dicom.workflow.schedule import Schedule
from dicom.workflow.worklist import find

_UNABLE_TO_PROCESS: Final = Failure(status=0xC000, comment="{error}")


class Ending(NamedTuple):
    """How many matches were sent, and why the query failed, if it did."""

    matches: int
    refused: str = ""


def answer_find(
    association: AcceptedAssociation,
    context: Context,
    request: C_FIND,
    matches: Callable[[Dataset], Iterable[Dataset]],
    *,
    decode: Decode,
    unreadable: Failure,
) -> Ending:
    """Answer a C-FIND.

    Args:
        matches: what matches an identifier; it may raise RefusedError, early or late.
        decode: reads the identifier.
        unreadable: answers an identifier that can't be read.
    """
    response = response_to(request)
    response.Status = SUCCESS
    number = 0
    refused: RefusedError | None = None
    try:
        asked = decode(content_of(request), context.transfer_syntax)
        for match in matches(asked):
            if association.cancelled(int(request.MessageID or 0)):
                response.Status = CANCELLED
                break
            response.Status = PENDING
            response.Identifier = BytesIO(encode(match, context.transfer_syntax))
            association.send(response, context)
            response.Status = SUCCESS
            number += 1
    except RefusedError as error:
        refused = error
    except MalformedDatasetError as error:
        refused = RefusedError(unreadable, str(error))
    response.Identifier = None
    if refused is not None:
        failed(response, refused.failure, offending=refused.offending, error=str(refused))
    association.send(response, context)
    return Ending(number, "" if refused is None else str(refused))


def worklist_items(schedule: Callable[[], Schedule], identifier: Dataset) -> Iterator[Dataset]:
    """Items of a worklist (PS3.4 annex K) that match ``identifier`` today.

    Raises:
        RefusedError: the schedule can't be read, or a step of it can't be put into an item.
    """
    try:
        yield from find(schedule(), identifier, datetime.date.today())
    except UsageError as error:
        raise RefusedError(_UNABLE_TO_PROCESS, str(error)) from error
