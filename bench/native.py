"""Programs of others to compare with, and not the Python scripts that are called like them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from orchestrator.errors import EnvironmentProblemError


def find_native(name: str) -> str | None:
    """The path of program ``name``; None where it is not installed.

    pynetdicom brings ``storescu``, ``storescp`` and others of its own, which an activated virtual
    environment has before DCMTK's on the path.
    """
    own = Path(sys.executable).parent
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(f for f in folders if Path(f) != own))


def native_tool(name: str) -> str:
    """``find_native``, for what can't do without.

    Raises:
        EnvironmentProblemError: it is not installed.
    """
    path = find_native(name)
    if path is None:
        raise EnvironmentProblemError(
            f"{name} is not on the PATH; the bench needs DCMTK's tools and Orthanc (Debian:"
            " apt-get install dcmtk orthanc)"
        )
    return path
