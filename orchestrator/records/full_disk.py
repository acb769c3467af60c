"""Making room for the record itself on a disk that a run has filled."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Final

_FULL: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
#: Studies below a cell's or a shared lab's folder, which its seed (or the user's folder) can give
#: again.
_STUDIES: Final = ("cells/*/exchange/study", "labs/*/exchange/study")


def is_full(error: BaseException | None) -> bool:
    """Whether ``error`` came about because a disk is full or a quota is used up."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        # Libraries wrap it: pydicom names the tag that it was writing.
        error = error.__cause__ or error.__context__
    return False


def make_room(run_folder: Path) -> bool:
    """Remove the studies that a run sent from its folder; whether there were any."""
    found = [path for pattern in _STUDIES for path in run_folder.glob(pattern)]
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return bool(found)
