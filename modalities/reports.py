"""What a node reports of an exchange that it asked for."""

from __future__ import annotations

from collections.abc import Callable

from dicom.association.requestor import Association
from dicom.ladder import CARRIED_OUT, StoppedError
from dicom.web.exchange import WebExchange
from modalities.commands import Report


def exchanged(association: Association, carry_out: Callable[[], str]) -> Report:
    """Run ``carry_out`` (which answers with a comment), end the association, and report."""
    outcome = CARRIED_OUT
    try:
        comment = carry_out()
    except StoppedError as stopped:
        outcome, comment = stopped.outcome, stopped.comment
    except BaseException:
        association.abort()  # a message may be half out: no release would be understood
        raise
    association.release()
    return Report(
        outcome=outcome,
        comment=comment,
        traces=(association.trace(),),
        negotiated=() if association.negotiated is None else (association.negotiated,),
    )


def requested(request: WebExchange, carry_out: Callable[[], str]) -> Report:
    """As ``exchanged``, for one request of DICOMweb."""
    outcome = CARRIED_OUT
    try:
        with request:
            comment = carry_out()
    except StoppedError as stopped:
        outcome, comment = stopped.outcome, stopped.comment
    return Report(outcome=outcome, comment=comment, traces=(request.trace(),))
