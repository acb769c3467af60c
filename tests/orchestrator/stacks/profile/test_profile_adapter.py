"""The profile archive as the engine drives it: in this process and as a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.__main__ import main
from archive.configuration import ServerConfiguration
from archive.server import ProfileServer
from dicom.control import call
from dicom.errors import UsageError
from dicom.settings import ArchiveSettings
from orchestrator.backends.base import BACKENDS, NodeRunner
from orchestrator.errors import UnsupportedError
from orchestrator.stacks.base import STACKS, StackContext
from orchestrator.stacks.native import not_in_force
from orchestrator.stacks.profile.adapter import ProfileArchive, profile_archive
from orchestrator.stacks.profile.files import find_profile
from tests.archive.conftest import MakeArchive, known
from tests.archive.peer import LOOPBACK, destination, image, store
from tests.peers import reserved_port

_PATIENCE = 20


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NodeRunner]:
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    opened = BACKENDS["local"].open("run", "lab", tmp_path / "lab")
    yield opened
    opened.close()


def started(runner: NodeRunner, tmp_path: Path, profile: str) -> ProfileArchive:
    stack = STACKS[profile]
    place = runner.reserve("archive", stack.ports("profile"))
    context = StackContext(
        role="archive",
        runner=runner,
        place=place,
        backend=BACKENDS["local"],
        settings=ArchiveSettings(aetitle="ARCHIVE"),
        run_folder=str(tmp_path),
    )
    archive = profile_archive(profile, context)
    runner.start([archive.launch()])
    return archive


def test_an_archive_names_the_profile_that_it_follows(runner: NodeRunner, tmp_path: Path) -> None:
    identity = started(runner, tmp_path, "dcm4chee-5.35").await_ready()
    assert (identity.stack, identity.edition, identity.follows, identity.version) == (
        "dcm4chee",
        "profile",
        "dcm4chee-5.35",
        "5.35.0",
    )
    assert str(identity) == "dcm4chee (profile dcm4chee-5.35)"


def test_changed_settings_are_in_force_and_shown_in_the_vendors_words(
    runner: NodeRunner, tmp_path: Path
) -> None:
    archive = started(runner, tmp_path, "orthanc-1.12")
    archive.await_ready()
    wanted = ArchiveSettings(
        aetitle="ARCHIVE", check_called_aetitle=True, known_aes=(known("PEER", 4242),)
    )
    changes = archive.configure(wanted)
    shown = {change.key: (change.before, change.after) for change in changes}
    assert shown["DicomCheckCalledAet"] == ("(absent)", "true")
    assert "DicomModalities.PEER" in shown
    assert archive.settings == wanted
    read = archive.read_back()
    assert not not_in_force(read, archive.dialect.translate(wanted), changes)
    assert archive.configure(wanted) == ()


def test_a_setting_that_the_product_lacks_is_unsupported(
    runner: NodeRunner, tmp_path: Path
) -> None:
    archive = started(runner, tmp_path, "orthanc-1.10")
    archive.await_ready()
    with pytest.raises(UnsupportedError, match="max_associations"):
        archive.configure(ArchiveSettings(aetitle="ARCHIVE", max_associations=1))


def test_objects_are_held_forwarded_logged_and_removed(runner: NodeRunner, tmp_path: Path) -> None:
    archive = started(runner, tmp_path, "dcm4chee-5.35")
    archive.await_ready()
    port = runner.control("archive", "dicom").port
    assert store(port, image(1), image(2)) == [0, 0]
    assert [each.sop_instance_uid for each in archive.held("2.25.1")] == [
        "2.25.1.1.1",
        "2.25.1.1.2",
    ]
    assert archive.held("2.25.404") == ()
    with destination("PEER") as peer:
        archive.configure(
            archive.settings.model_copy(update={"known_aes": (known("PEER", peer.port),)})
        )
        report = archive.forward("2.25.1", "PEER")
        assert (report.claims_success, report.http_status) == (True, 200)
        assert len(peer.received) == 2
    log = archive.log()
    assert "association from CT@127.0.0.1" in log
    assert "2.25.1.1.2 stored" in log
    archive.empty()
    assert archive.held() == ()


def test_a_restart_keeps_objects_and_a_wipe_does_not(runner: NodeRunner, tmp_path: Path) -> None:
    archive = started(runner, tmp_path, "orthanc-1.12")
    archive.await_ready()
    assert store(runner.control("archive", "dicom").port, image()) == [0]
    runner.restart(archive.launch())
    archive.await_ready()
    assert len(archive.held()) == 1
    runner.restart(archive.launch(), wipe=True)
    archive.await_ready()
    assert not archive.held()


def test_several_archives_in_one_process_leave_no_thread_behind(archive: MakeArchive) -> None:
    before = set(threading.enumerate())
    servers = [archive(name) for name in ("orthanc-1.10", "orthanc-1.12", "dcm4chee-5.35")]
    for server in servers:
        assert store(server.dicom_port, image()) == [0]
        server.stop()
        server.stop()
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=_PATIENCE)
        assert not thread.is_alive()


def test_it_runs_as_a_process_and_ends_on_sigterm(tmp_path: Path) -> None:
    dicom, web = reserved_port(), reserved_port()
    configuration = ServerConfiguration(
        name="orthanc-1.12",
        profile=find_profile("orthanc-1.12"),
        settings=ArchiveSettings(aetitle="ARCHIVE"),
        dicom_port=dicom,
        web_port=web,
        data=str(tmp_path / "data"),
        exchange=str(tmp_path),
    )
    file = tmp_path / "archive.json"
    file.write_text(configuration.model_dump_json())
    process = subprocess.Popen(
        [sys.executable, "-m", "archive", str(file)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[4],
    )
    try:
        assert process.stdout is not None
        assert "listening on 127.0.0.1" in process.stdout.readline()
        assert call(LOOPBACK, web, "system", timeout=_PATIENCE)["profile"] == "orthanc-1.12"
        assert store(dicom, image()) == [0]
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0
    assert "stored" in output


@pytest.mark.parametrize("port", ["dicom_port", "web_port"])
def test_a_port_that_is_taken_is_named_with_what_to_do(tmp_path: Path, port: str) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        taken = other.getsockname()[1]
        configuration = ServerConfiguration(
            name="orthanc-1.12",
            profile=find_profile("orthanc-1.12"),
            settings=ArchiveSettings(aetitle="ARCHIVE"),
            data=str(tmp_path / "data"),
            exchange=str(tmp_path),
        ).model_copy(update={port: taken})
        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{taken}.*free the port"):
            ProfileServer(configuration)


@pytest.mark.parametrize("text", ["{}", "no json", json.dumps({"name": 1})])
def test_a_bad_configuration_is_refused_with_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = tmp_path / "archive.json"
    file.write_text(text)
    assert main([str(file)]) == 2
    assert str(file) in capsys.readouterr().err
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
