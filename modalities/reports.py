"""What a node reports of an association that it asked for."""

from __future__ import annotations

from collections.abc import Callable

from dicom.association.link import StoppedError
from dicom.association.requestor import Association
from dicom.ladder import Rung, Signature
from modalities.commands import Report


def exchanged(association: Association, carry_out: Callable[[], str]) -> Report:
    """Run ``carry_out`` (which answers with a comment), end the association, and report."""
    rung: Rung = Rung.DIMSE
    signature: Signature | None = None
    try:
        comment = carry_out()
    except StoppedError as stopped:
        rung, signature, comment = stopped.rung, stopped.signature, stopped.comment
    except BaseException:
        association.abort()  # a message may be half out: no release would be understood
        raise
    association.release()
    return Report(
        rung=rung,
        signature=signature,
        comment=comment,
        traces=(association.trace(),),
        negotiated=() if association.negotiated is None else (association.negotiated,),
    )
