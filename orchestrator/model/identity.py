"""Who answered: stack, edition, version."""

from __future__ import annotations

from typing import Literal

from dicom.frozen import Frozen

Edition = Literal["container", "process", "profile", "external"]


class Identity(Frozen):
    """Who answered: named in every table, record and report. ``version`` is detected at run time.

    ``follows`` is the vendor profile for the ``profile`` edition (``dcm4chee-5.35``): a profile
    never claims to be the product.
    """

    stack: str
    edition: Edition
    version: str
    follows: str = ""

    def __str__(self) -> str:
        what = f"profile {self.follows}" if self.follows else f"{self.edition} {self.version}"
        return f"{self.stack} ({what})"
