"""Bytes after the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject


@alteration
class Trailing(Alteration):
    """The dataset is followed by bytes that are no data element."""

    kind: Literal["trailing"] = "trailing"
    bytes: int = Field(64, ge=1, le=1 << 20, description="how many, 0xAB each")

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Add them."""
        return replace(instance, trailer=instance.trailer + b"\xab" * self.bytes)
