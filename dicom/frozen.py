"""Data that crosses a boundary."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Base of all data that crosses a boundary: immutable, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")
