"""``python -m modalities burst``: what is printed, and what the exit codes say."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from threading import Event

import pytest

from modalities.command_line import main
from modalities.generation import WrittenFile
from orchestrator.lab.certificates import CertificateStore
from tests.modalities.burst.conversations import (
    RELEASE_RESPONSE,
    Received,
    read_message,
    response,
    take_all,
)
from tests.modalities.peers import Conversation, ScriptedPeers, StoreScp
from tests.peers import LOOPBACK, PATIENCE


def burst(*arguments: str | Path) -> int:
    return main(["burst", *map(str, arguments)])


def address(scp: StoreScp) -> str:
    return f"{scp.target.called}@{scp.target.host}:{scp.target.port}"


def test_files_and_folders_are_sent_counted_and_summed_up(
    busy_storescp: StoreScp,
    study: list[WrittenFile],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "notes.txt").write_text("not an image")
    arguments = ("--to", address(busy_storescp), "--associations", "2", "--repeat", "10")
    assert burst(tmp_path, study[0].path, *arguments) == 0
    printed = capsys.readouterr()
    summary = next(line for line in printed.out.splitlines() if "answered" in line)
    assert summary.startswith("40 of 40 objects answered in ")
    assert "objects/s" in summary
    assert "MB/s" in summary
    assert "  40 0x0000 success\n" in printed.out
    assert "ms (median)" in printed.out
    assert "left out:" in printed.err
    assert "notes.txt" in printed.err
    assert len(list(busy_storescp.folder.iterdir())) == 3


def test_simulated_studies_are_made_while_they_are_sent(
    busy_storescp: StoreScp, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--family", "ct", "--associations", "2", "--objects", "3", "--seed", "31")
    assert burst("--to", address(busy_storescp), *arguments) == 0
    assert "\n6 of 6 objects answered in " in "\n" + capsys.readouterr().out
    assert len(list(busy_storescp.folder.iterdir())) == 6


def test_a_status_that_is_no_success_exits_with_1_and_says_which_object(
    peers: ScriptedPeers, study: list[WrittenFile], capsys: pytest.CaptureFixture[str]
) -> None:
    statuses = [(0x0000, ""), (0xA700, "disk full"), (0xB007, "")]
    target = peers.play(lambda peer: take_all(peer, Received(), statuses))
    names = [each.path for each in study]
    assert burst("--to", f"PEER@{LOOPBACK}:{target.port}", *names) == 1
    printed = capsys.readouterr()
    for line in ("1 0x0000 success", "1 0xA700 failure", "1 0xB007 warning"):
        assert f"  {line}\n" in printed.out
    assert printed.err == f"stopped at dimse: status 0xA700 disk full ({study[1].path})\n"


def test_a_title_that_is_refused_exits_with_1_and_counts_every_object(
    peers: ScriptedPeers, study: list[WrittenFile], capsys: pytest.CaptureFixture[str]
) -> None:
    def script(peer: Conversation) -> None:
        peer.pdu()
        peer.send(bytes.fromhex("0300 0000 0004 0001 0107"))

    target = peers.play(script)
    arguments = ("--to", f"PEER@{LOOPBACK}:{target.port}", "--objects", "50")
    assert burst(study[0].path, *arguments) == 1
    printed = capsys.readouterr()
    assert "0 of 50 objects answered" in printed.out
    assert "  50 rejected 1/1/7\n" in printed.out
    assert printed.err == "stopped at associate: rejected 1/1/7\n"


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_order_and_exits_with_1(
    peers: ScriptedPeers,
    study: list[WrittenFile],
    capsys: pytest.CaptureFixture[str],
    order: signal.Signals,
) -> None:
    ends: list[int] = []

    def script(peer: Conversation) -> None:
        peer.accept()
        received = Received()
        while (message_id := read_message(peer, received)) is not None:
            if message_id == 5:
                os.kill(os.getpid(), order)
            peer.send(response(message_id))
        ends.append(message_id or 0)
        peer.send(RELEASE_RESPONSE)

    before = signal.getsignal(order)
    target = peers.play(script)
    arguments = ("--to", f"PEER@{LOOPBACK}:{target.port}", "--objects", "1000000")
    assert burst(study[0].path, *arguments) == 1
    assert capsys.readouterr().err == "stopped by the user\n"
    assert ends == [0]
    assert signal.getsignal(order) is before


def test_over_tls_it_needs_the_certificates_that_it_is_given(
    tls_storescp: StoreScp,
    certificates: CertificateStore,
    study: list[WrittenFile],
    capsys: pytest.CaptureFixture[str],
) -> None:
    pem = certificates.folder
    trusted = ("--to", address(tls_storescp), "--trusted", pem / "lab-ca.pem")
    own = ("--certificate", pem / "ct.pem", "--key", pem / "ct.key")
    assert burst(study[0].path, *trusted, *own) == 0
    assert burst(study[0].path, *trusted) == 1
    assert "stopped at tls: alert" in capsys.readouterr().err


def test_progress_is_told_in_lines_where_there_is_no_terminal(
    peers: ScriptedPeers, study: list[WrittenFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    told = Event()

    def hear(line: str) -> None:
        lines.append(line)
        told.set()

    def script(peer: Conversation) -> None:
        peer.accept()
        while (message_id := read_message(peer, Received())) is not None:
            if message_id == 15:
                told.wait(PATIENCE)  # 14 are done: one line, for the first 10
            peer.send(response(message_id))
        peer.send(RELEASE_RESPONSE)

    monkeypatch.setattr("modalities.command_line.burst.say", hear)
    target = peers.play(script)
    arguments = ("--to", f"PEER@{LOOPBACK}:{target.port}", "--objects", "100")
    assert burst(study[0].path, *arguments) == 0
    assert re.fullmatch(r"14/100 objects, \d+ objects/s", lines[0])
    assert sum("/100 objects, " in line for line in lines) < 10


def test_a_system_that_can_not_fork_is_told_what_to_use_instead(
    study: list[WrittenFile], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("multiprocessing.get_all_start_methods", lambda: ["spawn"])
    assert burst(study[0].path, "--to", "PEER@127.0.0.1:104") == 2
    assert "send --associations" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to send; name DICOM files or folders, or --family CT"),
        (("/nowhere.dcm",), r"nowhere\.dcm can't be sent"),
        (("--family", "XT"), "unknown modality family"),
        (("--family", "CT", "some.dcm"), "saw both"),
    ],
)
def test_wrong_input_is_explained(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert burst("--to", "PEER@127.0.0.1:104", *arguments) == 2
    assert re.search(words, capsys.readouterr().err)


def test_objects_and_repetitions_do_not_go_together(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        burst("--to", "PEER@127.0.0.1:104", "x.dcm", "--objects", "5", "--repeat", "5")
    assert left.value.code == 2
    assert "not allowed with" in capsys.readouterr().err
