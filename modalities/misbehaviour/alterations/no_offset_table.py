"""Encapsulated pixel data that begins with a fragment."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Literal

from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject


@alteration
class NoOffsetTable(Alteration):
    """Encapsulated pixels without the Basic Offset Table item, which may be empty, not absent."""

    kind: Literal["no-offset-table"] = "no-offset-table"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Take the first item away (PS3.5 annex A.4)."""
        element = instance.pixels(encapsulated=True)
        (length,) = struct.unpack_from("<L", element.value, 4)
        return instance.exchanged(element, replace(element, value=element.value[8 + length :]))
