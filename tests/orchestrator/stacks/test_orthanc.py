"""The adapter of the real Orthanc: settings take, contents are true, its own words are kept."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from dicom.association.ends import Caller, Target
from dicom.ladder import Rung, Signature
from dicom.settings import ArchiveSettings, KnownAE
from modalities.generation import write_study
from modalities.nodes.node import ModalityNode
from modalities.services.store import Store
from orchestrator.backends.local import LocalBackend, LocalRunner
from orchestrator.errors import LabError, UnsupportedError
from orchestrator.stacks.base import StackContext
from orchestrator.stacks.native import not_in_force
from orchestrator.stacks.orthanc.rest import OrthancRest, numbers_like
from orchestrator.stacks.orthanc.stack import OrthancArchive, OrthancStack
from orchestrator.stacks.web_api import WebApi
from tests.peers import tool

HEALTHY = ArchiveSettings(
    aetitle="ORTHANC",
    known_aes=(
        KnownAE(name="ct", title="104", host="127.0.0.1", port=11104),
        KnownAE(name="nowhere", title="NOWHERE", host="127.0.0.1", port=1),
    ),
)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OrthancArchive]:
    tool("Orthanc")
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    runner = LocalRunner("run", "lab", tmp_path / "lab")
    try:
        place = runner.reserve("archive", OrthancStack().ports("process"))
        context = StackContext("archive", runner, place, LocalBackend(), HEALTHY, str(tmp_path))
        archive = OrthancArchive("process", context)
        runner.start([archive.launch()])
        archive.await_ready()
        yield archive
        archive.close()
    finally:
        runner.close()


@pytest.mark.parametrize(("port", "name"), [("dicom", "DICOM"), ("web", "HTTP")])
def test_an_orthanc_whose_port_is_taken_says_so_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: str, name: str
) -> None:
    tool("Orthanc")
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    runner = LocalRunner("run", "lab", tmp_path / "lab")
    try:
        place = runner.reserve("archive", OrthancStack().ports("process"))
        context = StackContext("archive", runner, place, LocalBackend(), HEALTHY, str(tmp_path))
        archive = OrthancArchive("process", context)
        with socket.socket() as other:
            other.bind(place.listen[port])
            other.listen()
            runner.start([archive.launch()])
            words = f"another program listens on its {name} port {place.listen[port].port}"
            with pytest.raises(LabError, match=words) as caught:
                archive.await_ready()
        assert any("already in use" in line for line in caught.value.log_tail)
    finally:
        runner.close()


def send(archive: OrthancArchive, folder: Path, seed: int = 1) -> str:
    files = write_study(folder / "study", "CT", images=2, rows=16, columns=16, seed=seed)
    port = json.loads(archive.launch().files["orthanc.json"])["DicomPort"]
    target = Target(host="127.0.0.1", port=port, called="ORTHANC")
    report = ModalityNode("ct", folder).run(
        Store(
            target=target,
            caller=Caller(calling="104"),
            files=tuple(str(each.path.relative_to(folder)) for each in files),
        )
    )
    assert report.outcome.succeeded
    return files[0].fingerprint.study_instance_uid


def test_it_says_which_version_answers(archive: OrthancArchive) -> None:
    identity = archive.await_ready()
    assert identity.stack == "orthanc"
    assert identity.edition == "process"
    assert identity.version[0].isdigit()


def test_every_changed_setting_is_in_force_and_read_back(archive: OrthancArchive) -> None:
    wanted = HEALTHY.model_copy(
        update={"check_called_aetitle": True, "max_pdu_length": 8192, "idle_timeout": 4.0}
    )
    changes = archive.configure(wanted)
    assert {change.key for change in changes} == {
        "DicomCheckCalledAet",
        "MaximumPduLength",
        "DicomScpTimeout",
    }
    read, asked = archive.read_back(), archive.dialect.translate(wanted)
    assert not_in_force(read, asked, changes) == []
    assert not_in_force({**read, "MaximumPduLength": 16384}, asked, changes) != []


def test_its_table_changes_while_it_runs_and_survives_a_restart(archive: OrthancArchive) -> None:
    moved = KnownAE(name="ct", title="104", host="127.0.0.1", port=11105)
    wanted = HEALTHY.model_copy(update={"known_aes": (moved,)})
    changes = archive.configure(wanted)
    assert {change.key for change in changes} == {
        "DicomModalities.ct.Port",
        "DicomModalities.nowhere",
    }
    assert not_in_force(archive.read_back(), archive.dialect.translate(wanted), changes) == []
    archive.configure(wanted.model_copy(update={"check_called_aetitle": True}))
    assert not_in_force(archive.read_back(), archive.dialect.translate(wanted), changes) == []


def test_setting_what_is_set_changes_nothing(archive: OrthancArchive) -> None:
    assert archive.configure(HEALTHY) == ()


def test_a_setting_that_orthanc_lacks_is_refused_with_the_reason(archive: OrthancArchive) -> None:
    with pytest.raises(UnsupportedError, match="no limit on open associations"):
        archive.configure(HEALTHY.model_copy(update={"max_associations": 2}))


def test_it_holds_what_was_stored_and_keeps_it_over_a_reconfiguration(
    archive: OrthancArchive, tmp_path: Path
) -> None:
    study = send(archive, tmp_path)
    archive.configure(HEALTHY.model_copy(update={"check_called_aetitle": True}))
    assert len(archive.held(study)) == 2
    assert len(archive.held()) == 2
    archive.empty()
    assert archive.held() == ()


def test_sending_to_a_closed_port_says_refused_in_orthancs_own_words(
    archive: OrthancArchive, tmp_path: Path
) -> None:
    study = send(archive, tmp_path)
    report = archive.forward(study, "NOWHERE")
    assert not report.claims_success
    assert report.http_status == 500
    assert report.stopped is not None
    assert report.stopped.rung is Rung.CONNECT
    assert report.stopped.signature == Signature(kind="refused")


def test_sending_what_it_does_not_hold_is_an_error_of_the_lab(archive: OrthancArchive) -> None:
    with pytest.raises(LabError, match="does not hold it"):
        archive.forward("2.25.1", "NOWHERE")


def test_an_orthanc_that_is_gone_is_an_error_of_the_lab_whatever_it_is_asked() -> None:
    rest = OrthancRest(WebApi("Orthanc (archive)", "http://127.0.0.1:1"))
    assert not rest.answers()
    for ask in (rest.system, rest.configuration, rest.instances, rest.delete_all):
        with pytest.raises(LabError, match=r"Orthanc \(archive\) .* did not answer"):
            ask()
    with pytest.raises(LabError, match="did not answer POST /modalities/PEER%2F1/store"):
        rest.store("PEER/1", ("1",))


def test_numbers_are_read_only_where_numbers_were_written() -> None:
    written = {"Port": 104, "AET": "104", "Check": True, "Table": {"ct": {"Port": 1}}}
    for text in ("104", "104.0"):
        read = {"Port": text, "AET": "104", "Check": True, "Table": {"ct": {"Port": "1"}}}
        assert numbers_like(read, written) == written
