"""Independent validators of DICOM objects: dicom3tools' ``dciodvfy`` and ``dcentvfy``."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.peers import tool


def complaints(path: Path) -> list[str]:
    """Errors and warnings of ``dciodvfy`` about the object in ``path``, each once."""
    return _complaints([tool("dciodvfy"), "-new", str(path)])


#: ``dcentvfy`` takes Accession Number for the series' in images and for the study's in documents,
#: and says so of every study that holds both.
_CONFUSED: Final = "Different information entities for attribute - Element=<AccessionNumber>"


def contradictions(paths: Iterable[Path]) -> list[str]:
    """What ``dcentvfy`` finds inconsistent between objects of one patient, study or series."""
    return [line for line in all_contradictions(paths) if _CONFUSED not in line]


def all_contradictions(paths: Iterable[Path]) -> list[str]:
    """``contradictions``, and those that ``dcentvfy`` is wrong about."""
    return _complaints([tool("dcentvfy"), *map(str, paths)])


def _complaints(command: list[str]) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return sorted({line.strip() for line in lines if "Error" in line or "Warning" in line})
