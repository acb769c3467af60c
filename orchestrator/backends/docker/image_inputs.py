"""What an image is made from, as a hash: the same inputs give the same image, so none is made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

#: The checkout: compose.yaml, images/ and the source packages are below it.
ROOT: Final = Path(__file__).resolve().parents[3]
#: The label that holds an image's hash.
INPUTS_LABEL: Final = "org.pacslab.inputs"
#: The packages that run inside the node image.
PACKAGES: Final = ("archive", "dicom", "modalities", "orchestrator")
_LENGTH: Final = 12


def source_files() -> tuple[Path, ...]:
    """The code that goes into the node image, sorted."""
    return tuple(file for package in PACKAGES for file in _files(ROOT / package))


def fingerprint(*inputs: Path, extra: str = "") -> str:
    """Twelve hexadecimal digits over names and contents of files and folders, and ``extra``.

    Compiled and hidden files don't count; neither do times and permissions.
    """
    digest = hashlib.sha256(extra.encode())
    for given in inputs:
        for file in _files(given):
            name = file.relative_to(ROOT) if file.is_relative_to(ROOT) else Path(file.name)
            content = file.read_bytes()
            digest.update(f"\0{name.as_posix()}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()[:_LENGTH]


def _files(given: Path) -> Iterator[Path]:
    if given.is_file():
        yield given
        return
    for file in sorted(given.rglob("*")):
        parts = file.relative_to(given).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if not hidden and file.is_file():
            yield file
