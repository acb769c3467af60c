"""A release that both sides are said to have asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from dicom.association import upper_layer
from dicom.association.upper_layer import RELEASE_RQ
from modalities.misbehaviour.act import Act, Script, Step, act
from modalities.misbehaviour.scripts import OnFirst


@act
class ReleaseCollision(Act):
    """A-RELEASE-RQ and A-RELEASE-RP at once, as if requests had collided (PS3.8 7.2.2.7)."""

    kind: Literal["release-collision"] = "release-collision"

    def script(self) -> Script:
        """Answer what nobody asked."""
        return _Collision(RELEASE_RQ)


class _Collision(OnFirst):
    def deed(self, pdu: bytes) -> Iterator[Step]:
        yield pdu
        yield upper_layer.release_response()
