"""Where vendor profiles are: the current folder's ``profiles/``, then the ones we ship."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from archive.vendor import VendorProfile
from dicom.registry import unknown_word
from orchestrator.errors import InputError
from orchestrator.files.yaml_models import read_model

_SHIPPED: Final = Path(__file__).resolve().parents[3] / "profiles"
#: What a command line and a container's name take without quoting.
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def profile_files() -> dict[str, Path]:
    """Every profile by its name, which is its file's; a user's own hides a shipped one.

    Raises:
        InputError: a file's name can't be a stack's name.
    """
    found: dict[str, Path] = {}
    for folder in (_SHIPPED, Path.cwd() / "profiles"):
        for path in sorted(folder.glob("*.yaml")):
            if not _NAME.fullmatch(path.stem):
                raise InputError(
                    f"profile {path} can't be a stack: expected a name of letters, digits,"
                    " '.', '_' and '-'"
                )
            found[path.stem] = path
    return found


def find_profile(name: str) -> VendorProfile:
    """The profile called ``name``.

    Raises:
        InputError: there is none, or its file is not a valid profile.
    """
    files = profile_files()
    if name not in files:
        raise InputError(unknown_word("profile", name, tuple(files)))
    path = files[name]
    return _load(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _load(path: Path, changed: int) -> VendorProfile:
    del changed  # part of the key: an edited file is read again
    return load_profile(path)


def load_profile(path: Path) -> VendorProfile:
    """Read and validate one profile file.

    Raises:
        InputError: the file is missing.
        InvalidFileError: it is no YAML, or does not fit the model; every problem is named with
            its line, what was seen and what was expected.
    """
    return read_model(path, VendorProfile, "a vendor profile (pacslab schema profile)")
