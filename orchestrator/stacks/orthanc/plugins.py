"""Plugins of an Orthanc of this host: shared libraries that its packages put into fixed folders."""

from __future__ import annotations

from pathlib import Path
from typing import Final

#: Where the distributions' packages and Orthanc's own builds put them.
_FOLDERS: Final = (
    Path("/usr/share/orthanc/plugins"),
    Path("/usr/lib/orthanc"),
    Path("/usr/local/share/orthanc/plugins"),
    Path("/usr/local/lib/orthanc"),
)
#: Folder that holds the plugins in the published images and in the one built here.
IMAGE_FOLDER: Final = "/usr/share/orthanc/plugins"
DICOMWEB: Final = "libOrthancDicomWeb"


def find_plugin(library: str) -> str | None:
    """Path of a plugin's library on this host, by its name without an extension; None: not here."""
    for folder in _FOLDERS:
        for pattern in (f"{library}.so", f"{library}.so.*", f"{library}.dylib"):
            for path in sorted(folder.glob(pattern)):
                return str(path)
    return None
