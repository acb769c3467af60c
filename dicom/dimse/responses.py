"""What a DIMSE response says (PS3.7 annex C): status, comment, dataset."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pydantic import Field
from pydicom import Dataset

from dicom.frozen import Frozen

SUCCESS: Final = 0x0000
PENDING: Final = 0xFF00
CANCELLED: Final = 0xFE00
#: Error Comment (0000,0902) is VR LO: 64 characters.
_COMMENT_LENGTH: Final = 64
_FACT: Final = re.compile(r"\{(\w+)\}")


class Failure(Frozen):
    """A failed DIMSE response (PS3.7 annex C): status, Error Comment and Error ID where given.

    ``comment`` may name facts in braces: ``{error}``, which is what is wrong with the request,
    and an archive's also ``{calling}``, ``{study}`` and ``{destination}``. What exceeds the 64
    characters of VR LO is cut off.
    """

    status: int = Field(ge=0, le=0xFFFF)
    comment: str = ""
    error_id: int | None = Field(
        default=None, ge=0, le=0xFFFF, description="only normalized services (N-…) have it"
    )

    def said(self, **facts: str) -> str:
        """The Error Comment with ``facts`` filled in; one that is not known is left out."""
        words = _FACT.sub(lambda match: facts.get(match[1], ""), self.comment)
        return words[:_COMMENT_LENGTH]


class DimseReply(NamedTuple):
    """A DIMSE response without its envelope: status, dataset, and what is said about a failure."""

    status: int = SUCCESS
    dataset: Dataset | None = None
    comment: str = ""
    error_id: int | None = None

    @classmethod
    def failed(cls, failure: Failure, error: str = "") -> DimseReply:
        """The response that ``failure`` asks for, with ``error`` filled in."""
        return cls(failure.status, None, failure.said(error=error), failure.error_id)
