"""Modality Worklist as SCP (PS3.4 annex K, F12b): the RIS's own code, the vendor's rules."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from io import BytesIO
from typing import Final

from pynetdicom.dimse_primitives import C_FIND

from archive.encoding import decode, encode
from archive.responses import failed
from archive.vendor import WorklistService
from dicom.association.accepted import AcceptedAssociation, Context
from dicom.datasets.encoding import MalformedDatasetError
from dicom.dimse.responses import Failure
from dicom.errors import UsageError
from dicom.workflow.schedule import Schedule
from dicom.workflow.worklist import find

_PENDING: Final = 0xFF00
_CANCELLED: Final = 0xFE00
_UNABLE_TO_PROCESS: Final = Failure(status=0xC000, comment="{error}")


def answer_query(
    rules: WorklistService,
    schedule: Schedule,
    association: AcceptedAssociation,
    context: Context,
    request: C_FIND,
    log: Callable[[str], None],
) -> None:
    """Answer a C-FIND with the items of ``schedule`` that match and are not hidden."""
    response = C_FIND()
    response.MessageIDBeingRespondedTo = request.MessageID
    response.AffectedSOPClassUID = request.AffectedSOPClassUID
    title = f"worklist C-FIND from {association.calling}"
    shown = tuple(each for each in schedule.steps if each.status not in rules.hidden_statuses)
    number = 0
    try:
        content = request.Identifier
        asked = decode(
            content.getvalue() if isinstance(content, BytesIO) else b"", context.transfer_syntax
        )
        for item in find(Schedule(steps=shown), asked, datetime.date.today()):
            if association.cancelled(int(request.MessageID or 0)):
                response.Status = _CANCELLED
                break
            response.Status = _PENDING
            response.Identifier = BytesIO(encode(item, context.transfer_syntax))
            association.send(response, context)
            number += 1
        else:
            response.Status = 0x0000
    except (MalformedDatasetError, UsageError) as error:
        log(f"{title} refused: {error}")
        failed(response, _UNABLE_TO_PROCESS, error=str(error))
    response.Identifier = None
    log(f"{title}: {number} matches")
    association.send(response, context)
