"""Which archive a rule is about: ``stack [version range] [edition]``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self, get_args

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from orchestrator.model.identity import Edition, Identity

EDITIONS: Final[tuple[str, ...]] = get_args(Edition)
ANY: Final = "*"
_LEADING_NUMBERS: Final = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)")


class StackSpecError(ValueError):
    """A specification that can't be read; says what was seen and what is expected."""


@dataclass(frozen=True)
class StackSpec:
    """A stack, optionally within a version range (PEP 440), optionally in one edition.

    ``stack`` is a product's name, a profile's name (which then means that profile alone) or ``*``.
    """

    stack: str
    versions: SpecifierSet | None = None
    edition: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``orthanc``, ``orthanc >=1.12``, ``orthanc >=1.10,<1.12 process``, ``* container``.

        Raises:
            StackSpecError: no stack, a range that PEP 440 does not know, an unknown edition.
        """
        words = text.split()
        if not words:
            raise StackSpecError("saw nothing; expected a stack such as 'orthanc' or '*'")
        stack, *rest = words
        edition = rest.pop() if rest and rest[-1][0].isalpha() else None
        if edition is not None and edition not in EDITIONS:
            raise StackSpecError(
                f"unknown edition {edition!r}; expected one of: {', '.join(EDITIONS)}"
            )
        try:
            versions = SpecifierSet("".join(rest)) if rest else None
        except InvalidSpecifier:
            raise StackSpecError(
                f"can't read the version range {' '.join(rest)!r};"
                " expected for example '>=1.12' or '>=1.10,<1.12'"
            ) from None
        return cls(stack, versions, edition)

    def holds(self, identity: Identity) -> bool:
        """Whether ``identity`` is what this describes.

        A release is compared by its leading numbers, so that a distribution's or a build's suffix
        (``1.12.7+dfsg``, ``5.35.0-secure``) does not matter; a profile's ``1.12`` is 1.12.0. A
        version without numbers (``mainline``) is in no range.
        """
        if self.stack not in (ANY, identity.stack, identity.follows):
            return False
        if self.edition not in (None, identity.edition):
            return False
        if self.versions is None:
            return True
        version = release(identity.version)
        return version is not None and self.versions.contains(version, prereleases=True)

    def __str__(self) -> str:
        parts = (self.stack, str(self.versions or ""), self.edition or "")
        return " ".join(part for part in parts if part)


def release(version: str) -> Version | None:
    """The comparable part of a product's version, None where it starts with no number."""
    numbers = _LEADING_NUMBERS.match(version.strip())
    return None if numbers is None else Version(numbers.group(1))
