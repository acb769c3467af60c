"""An association that is not released."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from dicom.association.upper_layer import RELEASE_RQ
from modalities.misbehaviour.act import Act, HangUp, Script, Step, act
from modalities.misbehaviour.scripts import OnFirst


@act
class NoRelease(Act):
    """The connection ends where the A-RELEASE-RQ should stand."""

    kind: Literal["no-release"] = "no-release"
    how: Literal["close", "reset"] = "close"

    def script(self) -> Script:
        """Hang up."""
        return _Away(self.how)


class _Away(OnFirst):
    def __init__(self, how: Literal["close", "reset"]) -> None:
        super().__init__(RELEASE_RQ)
        self._how = how

    def deed(self, pdu: bytes) -> Iterator[Step]:
        yield HangUp(self._how)
