"""Where each stack says that its DICOMweb services are."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from dicom.association.ends import Tls
from dicom.settings import ArchiveSettings
from dicom.web.target import WebAuth, WebTarget
from orchestrator.backends.base import Backend
from orchestrator.backends.local import LocalBackend
from orchestrator.errors import UnsupportedError
from orchestrator.stacks.base import Archive, StackContext
from orchestrator.stacks.external.site import Site
from orchestrator.stacks.external.web import dicomweb_of
from orchestrator.stacks.orthanc import plugins as orthanc_plugins
from orchestrator.stacks.orthanc import stack as orthanc
from orchestrator.stacks.orthanc.plugins import DICOMWEB, find_plugin
from orchestrator.stacks.orthanc.stack import OrthancStack
from orchestrator.stacks.profile.adapter import PROFILE_PORTS, ProfileArchive, profile_archive
from tests.peers import dicomweb_plugin, tool


def site(kind: str, url: str, **web: str) -> Site:
    return Site.model_validate(
        {
            "name": "ours",
            "kind": kind,
            "dicom": {"host": "pacs", "port": 104, "aetitle": "MY PACS"},
            "web": {"url": url, **web},
            "keeps_objects": kind == "dicomweb",
        }
    )


@pytest.mark.parametrize(
    ("kind", "url", "host", "port", "root"),
    [
        ("orthanc", "http://pacs:8042", "pacs", 8042, "/dicom-web"),
        ("orthanc", "http://proxy/orthanc/", "proxy", 80, "/orthanc/dicom-web"),
        ("dcm4chee", "http://pacs:8080", "pacs", 8080, "/dcm4chee-arc/aets/MY%20PACS/rs"),
        ("dicomweb", "http://[::1]:81/rs", "::1", 81, "/rs"),
    ],
)
def test_an_external_site_has_them_where_its_kind_has(
    kind: str, url: str, host: str, port: int, root: str
) -> None:
    assert dicomweb_of(site(kind, url)) == WebTarget(host=host, port=port, root=root)


def test_an_https_site_is_verified_and_its_credentials_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OUR_TOKEN", "t0ken")
    target = dicomweb_of(site("dicomweb", "https://pacs/rs", token_from="OUR_TOKEN"))
    assert (target.port, target.auth) == (443, WebAuth(token="t0ken"))
    assert target.tls == Tls(trusted=DEFAULT_CA_BUNDLE_PATH, check_hostname=True)
    own = dicomweb_of(site("dicomweb", "https://pacs/rs", trusted="/ca.pem"))
    assert own.tls is not None
    assert own.tls.trusted == "/ca.pem"


def started(folder: Path, backend: Backend, made: str) -> tuple[Archive, StackContext]:
    """An archive of the local backend, not launched yet."""
    runner = backend.open("test", f"test-{made}", folder)
    ports = PROFILE_PORTS if made != "process" else {"dicom": 4242, "web": 8042}
    context = StackContext(
        role="archive",
        runner=runner,
        place=runner.reserve("archive", ports),
        backend=backend,
        settings=ArchiveSettings(aetitle="ARCHIVE"),
        run_folder=str(folder),
    )
    if made == "process":
        return OrthancStack().archive("process", context), context
    return profile_archive(made, context), context


@pytest.mark.parametrize(
    ("profile", "root", "asks"),
    [
        ("orthanc-1.12", "/dicom-web", True),
        ("dcm4chee-5.35", "/dcm4chee-arc/aets/ARCHIVE/rs", False),
    ],
)
def test_a_profile_archive_has_them_at_its_own_web_port(
    tmp_path: Path, profile: str, root: str, asks: bool
) -> None:
    archive, context = started(tmp_path, LocalBackend(), profile)
    try:
        launch = archive.launch()
        assert launch is not None
        context.runner.start([launch])
        archive.await_ready()
        target = archive.dicomweb()
        assert (target.root, target.auth is not None) == (root, asks)
        auth = (target.auth.user, target.auth.password) if target.auth else None
        url = f"http://{target.authority}{target.root}/studies"
        assert requests.get(url, auth=auth, timeout=10).ok
        assert requests.get(url, timeout=10).ok is not asks
        assert root in archive.web()
    finally:
        context.runner.close()


def test_a_profile_without_a_web_section_has_none(tmp_path: Path) -> None:
    archive, context = started(tmp_path, LocalBackend(), "orthanc-1.12")
    try:
        assert isinstance(archive, ProfileArchive)
        archive._profile = archive._profile.model_copy(update={"web": None})
        with pytest.raises(UnsupportedError, match="says nothing of DICOMweb"):
            archive.dicomweb()
    finally:
        context.runner.close()


@pytest.mark.local
@pytest.mark.parametrize("here", [True, False])
def test_orthanc_has_them_where_its_plugin_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    tool("Orthanc")
    if here:
        dicomweb_plugin()
    else:
        monkeypatch.setattr(orthanc, "find_plugin", lambda _library: None)
    archive, context = started(tmp_path, LocalBackend(), "process")
    try:
        launch = archive.launch()
        assert launch is not None
        context.runner.start([launch])
        archive.await_ready()
        if not here:
            with pytest.raises(UnsupportedError, match="Debian's package is orthanc-dicomweb"):
                archive.dicomweb()
            return
        target = archive.dicomweb()
        assert target.auth is not None
        url = f"http://{target.authority}{target.root}/studies"
        auth = (target.auth.user, target.auth.password)
        assert requests.get(url, auth=auth, timeout=10).json() == []
        assert requests.get(url, timeout=10).status_code == 401
    finally:
        archive.close()
        context.runner.close()


def test_plugins_are_found_by_name_in_the_folders_of_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    second.mkdir()
    monkeypatch.setattr(orthanc_plugins, "_FOLDERS", (first, second))
    assert find_plugin(DICOMWEB) is None
    (second / "libOrthancDicomWeb.so.1.20").touch()
    assert find_plugin(DICOMWEB) == str(second / "libOrthancDicomWeb.so.1.20")
    first.mkdir()
    (first / "libOrthancDicomWeb.so").touch()
    assert find_plugin(DICOMWEB) == str(first / "libOrthancDicomWeb.so")
