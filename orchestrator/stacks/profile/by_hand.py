"""The profile archive of the lab by hand: ``python -m orchestrator.stacks.profile.by_hand NAME``.

A run writes an archive's configuration into a file; by hand the service ``profile`` makes its own
from the shipped profile, with the other services of compose.yaml as its known AEs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from archive.__main__ import main as serve
from archive.configuration import ServerConfiguration
from dicom.settings import ArchiveSettings, KnownAE
from orchestrator.backends.container_folders import NODE_DATA, NODE_EXCHANGE
from orchestrator.stacks.profile.files import find_profile

_KNOWN: Final = (
    KnownAE(title="MODALITY", host="modality", port=11104),
    KnownAE(title="WORKSTATION", host="workstation", port=11104),
    KnownAE(title="ORTHANC", host="orthanc", port=4242),
)


def configuration(name: str) -> ServerConfiguration:
    """The configuration of the profile archive ``name`` among the services of compose.yaml.

    Raises:
        InputError: there is no such profile, or its file is not valid.
    """
    return ServerConfiguration(
        name=name,
        profile=find_profile(name),
        settings=ArchiveSettings(aetitle="PROFILE", known_aes=_KNOWN),
        host="0.0.0.0",  # noqa: S104  inside the container
        dicom_port=11112,
        web_port=8080,
        data=NODE_DATA,
        exchange=NODE_EXCHANGE,
    )


def main(arguments: list[str]) -> int:
    """Write the configuration and run the archive on it until it is told to stop."""
    file = Path(NODE_DATA) / "archive.json"
    file.write_text(configuration(arguments[0]).model_dump_json(indent=2), encoding="utf-8")
    return serve([str(file)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
