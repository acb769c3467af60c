"""What an archive answers to the order to send a study on."""

from __future__ import annotations

from dicom.frozen import Frozen
from dicom.ladder import Outcome


class ForwardReport(Frozen):
    """What an archive says after it was told to send a study: its own REST answer.

    ``http_status`` is the answer's code, ``body`` its text (first 2,000 characters).
    ``claims_success`` is the archive's word, which proves nothing. ``stopped`` is set where the
    vendor's words say exactly what stopped it before a byte was on the wire (host name, port).
    """

    claims_success: bool
    http_status: int
    body: str
    stopped: Outcome | None = None
