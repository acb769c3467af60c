"""Profile archives on loopback, and a site that runs them in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from archive.configuration import ServerConfiguration
from archive.server import ProfileServer
from dicom.settings import ArchiveSettings, KnownAE
from orchestrator.stacks.profile.files import find_profile
from tests.archive.peer import LOOPBACK

MakeArchive = Callable[..., ProfileServer]


def known(title: str, port: int, *, tls: bool = False) -> KnownAE:
    """A line of the archive's table."""
    return KnownAE(title=title, host=LOOPBACK, port=port, tls=tls)


def start_archive(profile: str, settings: ArchiveSettings, folder: Path) -> ProfileServer:
    """An archive on loopback that keeps its data, and looks for TLS material, in ``folder``."""
    configuration = ServerConfiguration(
        name=profile,
        profile=find_profile(profile),
        settings=settings,
        data=str(folder / "data"),
        exchange=str(folder),
    )
    return ProfileServer(configuration)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[MakeArchive]:
    """Starts archives by profile name and settings; all are stopped at the end."""
    started: list[ProfileServer] = []

    def start(profile: str, **settings: Any) -> ProfileServer:
        folder = tmp_path / f"archive{len(started)}"
        folder.mkdir()
        if (tmp_path / "tls").exists():
            (folder / "tls").symlink_to(tmp_path / "tls")
        given = ArchiveSettings(**{"aetitle": "ARCHIVE", **settings})
        started.append(start_archive(profile, given, folder))
        return started[-1]

    yield start
    for server in started:
        server.stop()
