"""Warnings of ``dciodvfy`` that stay, by family: part of the line, and why it is right to stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXPLAINED: Final[Mapping[str, Mapping[str, str]]] = {}
