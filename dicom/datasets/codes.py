"""Coded entries (PS3.3 section 8.8)."""

from __future__ import annotations

from typing import NamedTuple

from pydicom import Dataset


class Code(NamedTuple):
    """A concept of a coding scheme, such as ``("121071", "DCM", "Finding")``."""

    value: str
    scheme: str
    meaning: str

    def item(self) -> Dataset:
        """A new item for a code sequence."""
        made = Dataset()
        made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = self
        return made


def dcm(value: str, meaning: str) -> Code:
    """A concept that DICOM itself defines (PS3.16 annex D)."""
    return Code(value, "DCM", meaning)


def ucum(value: str, meaning: str = "") -> Code:
    """A unit of measurement (PS3.3 section 8.8, coding scheme ``UCUM``)."""
    return Code(value, "UCUM", meaning or value)
