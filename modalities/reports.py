"""What a node reports of an exchange that it asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from dicom.association.requestor import Association
from dicom.dimse.scu import ended
from dicom.ladder import CARRIED_OUT, Outcome, StoppedError
from dicom.web.call import HttpCall
from modalities.commands import Report


def exchanged(association: Association, carry_out: Callable[[], str]) -> Report:
    """Run ``carry_out`` (which answers with a comment), end the association, and report."""
    outcome, comment = _outcome(ended(association), carry_out)
    return Report(
        outcome=outcome,
        comment=comment,
        traces=(association.trace(),),
        negotiated=() if association.negotiated is None else (association.negotiated,),
    )


def requested(request: HttpCall, carry_out: Callable[[], str]) -> Report:
    """As ``exchanged``, for one request of DICOMweb."""
    outcome, comment = _outcome(request, carry_out)
    return Report(outcome=outcome, comment=comment, traces=(request.trace(),))


def _outcome(
    exchange: AbstractContextManager[object], carry_out: Callable[[], str]
) -> tuple[Outcome, str]:
    try:
        with exchange:
            return CARRIED_OUT, carry_out()
    except StoppedError as stopped:
        return stopped.outcome, stopped.comment
