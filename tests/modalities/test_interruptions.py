"""``python -m modalities`` that is ended before its time: in order, and nothing is left behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import Dataset

from modalities.command_line import main
from modalities.generation import WrittenFile
from tests.modalities.burst.conversations import (
    RELEASE_RESPONSE,
    Received,
    read_message,
    response,
)
from tests.modalities.peers import Conversation, ScriptedPeers
from tests.peers import LOOPBACK, PATIENCE

_SEND = (sys.executable, "-m", "modalities", "send")
ABORT = bytes.fromhex("0700 0000 0004 0000 0000")


@pytest.fixture(autouse=True)
def no_garbage_collection() -> Iterator[None]:
    """Hypothesis listens to the collector, and an exception in its callback would be lost: also
    the KeyboardInterrupt of a signal that comes just then."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def last_pdu(peer: Conversation) -> bytes:
    """What comes after the datasets that are on their way."""
    pdu = peer.pdu()
    while pdu and pdu[0] == 0x04:
        pdu = peer.pdu()
    return pdu


def test_ctrl_c_aborts_the_association_and_removes_what_was_made(
    peers: ScriptedPeers, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last: list[bytes] = []

    def script(peer: Conversation) -> None:
        peer.accept()
        peer.message()
        os.kill(os.getpid(), signal.SIGINT)
        last.append(last_pdu(peer))

    target = peers.play(script)
    simulated = ["--family", "CT", "--images", "1000", "--rows", "16", "--columns", "16"]
    assert main(["send", "--to", f"PEER@{LOOPBACK}:{target.port}", *simulated]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    peers.stop()
    assert last == [ABORT]
    assert list(scratch.iterdir()) == []


def test_ctrl_c_ends_all_of_several_associations(
    peers: ScriptedPeers, study: list[WrittenFile], capsys: pytest.CaptureFixture[str]
) -> None:
    received = Received()

    def script(peer: Conversation) -> None:
        # the second association waits in vain: these peers have one conversation at a time
        peer.accept()
        while (message_id := read_message(peer, received)) is not None:
            if message_id == 1:
                os.kill(os.getpid(), signal.SIGINT)
            peer.send(response(message_id))
        peer.send(RELEASE_RESPONSE)

    target = peers.play(script)
    arguments = ["--to", f"PEER@{LOOPBACK}:{target.port}", "--associations", "2", "--timeout", "5"]
    names = [str(each.path) for each in study] * 200
    assert main(["send", *arguments, *names]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert 1 <= len(received.message_ids) < 300


def test_half_a_file_is_not_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(dataset: Dataset, path: Path, **_options: object) -> None:
        del dataset
        path.write_bytes(bytes(128) + b"DICM")
        raise KeyboardInterrupt

    monkeypatch.setattr(Dataset, "save_as", interrupted)
    out = tmp_path / "out"
    assert main(["generate", "--out", str(out)]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert list(out.iterdir()) == []


def test_sigterm_ends_it_as_ctrl_c_does(peers: ScriptedPeers, scratch: Path) -> None:
    last: list[bytes] = []
    started: list[subprocess.Popen[str]] = []

    def script(peer: Conversation) -> None:
        peer.accept()
        peer.message()
        started[0].terminate()
        last.append(last_pdu(peer))

    target = peers.play(script)
    process = subprocess.Popen(
        [*_SEND, "--family", "CT", "--to", f"PEER@{LOOPBACK}:{target.port}"],
        env={**os.environ, "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        text=True,
    )
    started.append(process)
    _, complaints = process.communicate(timeout=3 * PATIENCE)
    assert (process.returncode, complaints) == (130, "interrupted\n")
    assert last == [ABORT]
    assert list(scratch.iterdir()) == []


def test_nobody_who_reads_the_output_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "modalities", "families"]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (141, "")
