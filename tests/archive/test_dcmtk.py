"""DCMTK's tools against the profile archive: a toolkit that shares no code with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.data import get_testdata_file

from archive.server import ProfileServer
from dicom.datasets.part10 import fingerprint_of
from tests.archive.conftest import MakeArchive, known
from tests.archive.peer import LOOPBACK
from tests.peers import dcmtk, reserved_port

pytestmark = pytest.mark.local
EVERY = pytest.mark.parametrize("profile", ["orthanc-1.10", "orthanc-1.12", "dcm4chee-5.35"])
CT_SMALL = Path(str(get_testdata_file("CT_small.dcm")))
STUDY = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"


def at(server: ProfileServer) -> list[str]:
    """Titles and address for a DCMTK tool."""
    return ["-aet", "CT", "-aec", "ARCHIVE", LOOPBACK, str(server.dicom_port)]


@EVERY
def test_echoscu_is_answered(archive: MakeArchive, profile: str) -> None:
    assert dcmtk("echoscu", *at(archive(profile))).returncode == 0


@EVERY
def test_storescu_delivers_and_findscu_finds(archive: MakeArchive, profile: str) -> None:
    server = archive(profile, known_aes=(known("CT", 104),))
    sent = dcmtk("storescu", *at(server), CT_SMALL)
    assert sent.returncode == 0, sent.stderr
    (held,) = server.held()
    changed = fingerprint_of(held.path).differences(fingerprint_of(CT_SMALL))
    assert set(changed) <= {"00100021", "FFFCFFFC"}
    key = "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "-k", "PatientID=1CT1"
    found = dcmtk("findscu", "-v", "-S", *key, *at(server))
    assert found.returncode == 0
    assert STUDY in found.stderr + found.stdout


@EVERY
def test_movescu_receives_what_it_asks_for(
    archive: MakeArchive, tmp_path: Path, profile: str
) -> None:
    port = reserved_port()
    server = archive(profile, known_aes=(known("CT", port),))
    assert dcmtk("storescu", *at(server), CT_SMALL).returncode == 0
    key = "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={STUDY}"
    folder = tmp_path / "moved"
    folder.mkdir()
    moved = dcmtk("movescu", "-S", *key, "-aem", "CT", "+P", str(port), "-od", folder, *at(server))
    assert moved.returncode == 0, moved.stderr
    (file,) = folder.iterdir()
    assert not fingerprint_of(file).differences(fingerprint_of(server.held()[0].path))


@EVERY
def test_getscu_receives_what_it_asks_for(
    archive: MakeArchive, tmp_path: Path, profile: str
) -> None:
    server = archive(profile, known_aes=(known("CT", 104),))
    assert dcmtk("storescu", *at(server), CT_SMALL).returncode == 0
    key = "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={STUDY}"
    folder = tmp_path / "got"
    folder.mkdir()
    got = dcmtk("getscu", "-S", *key, "-od", folder, *at(server))
    assert got.returncode == 0, got.stderr
    (file,) = folder.iterdir()
    assert not fingerprint_of(file).differences(fingerprint_of(server.held()[0].path))
