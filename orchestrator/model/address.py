"""Where something listens."""

from __future__ import annotations

from typing import NamedTuple


class Address(NamedTuple):
    """Host (name or IP) and TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
