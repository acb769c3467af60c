"""Encapsulated pixel data with a fragment of odd length."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Literal

from modalities.misbehaviour.alteration import Alteration, alteration
from modalities.misbehaviour.encoded import EncodedObject


@alteration
class OddFragment(Alteration):
    """The first fragment of encapsulated pixels lacks its padding (PS3.5 annex A.4)."""

    kind: Literal["odd-fragment"] = "odd-fragment"

    def alter(self, instance: EncodedObject) -> EncodedObject:
        """Take the fragment's last byte away; its length says so."""
        element = instance.pixels(encapsulated=True)
        data = element.value
        (table,) = struct.unpack_from("<L", data, 4)
        start = 8 + table
        (length,) = struct.unpack_from("<L", data, start + 4)
        fragment = data[start + 8 : start + 8 + length - 1]
        value = (
            data[: start + 4]
            + struct.pack("<L", len(fragment))
            + fragment
            + data[start + 8 + length :]
        )
        return instance.exchanged(element, replace(element, value=value))
