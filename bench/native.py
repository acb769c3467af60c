"""Programs of others to compare with, and not the Python scripts that are called like them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from orchestrator.errors import EnvironmentProblemError


def find_native(name: str) -> str | None:
    """The path of program ``name``; None where it is not installed.

    pynetdicom brings ``storescu``, ``storescp`` and others of its own, which an activated virtual
    environment (whose root holds ``pyvenv.cfg``) has before DCMTK's on the path.
    """
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    others = [each for each in folders if not (Path(each).parent / "pyvenv.cfg").exists()]
    return shutil.which(name, path=os.pathsep.join(others))


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
