"""``python -m modalities``: what is printed, and what the exit codes say."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
import pytest

from dicom.association.ends import Tls
from dicom.web.target import WebAuth, WebTarget
from dicom.workflow.storage_commitment import CommitmentResult
from modalities.command_line import commit, dicomweb, main
from modalities.commands import Report
from modalities.generation import WrittenFile
from modalities.nodes.node import ModalityNode
from modalities.services.listen import Listen, Received
from modalities.services.qido import Qido
from tests.modalities.peers import Conversation, ScriptedPeers
from tests.peers import LOOPBACK


@pytest.fixture
def address(node: ModalityNode) -> str:
    port = node.run(Listen(aetitle="WS", port=0, called_aetitles=("WS",))).port
    return f"{LOOPBACK}:{port}"


def test_a_study_is_generated_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "study"
    size = ["--rows", "32", "--columns", "16"]
    assert main(["generate", "--out", str(out), "--images", "2", "--seed", "9", *size]) == 0
    files = sorted(out.iterdir())
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        str(path) for path in files
    ]
    dataset = pydicom.dcmread(files[0])
    assert (dataset.Rows, dataset.Columns) == (32, 16)


def test_files_and_folders_are_sent_and_what_is_no_dicom_is_left_out(
    node: ModalityNode,
    address: str,
    study: list[WrittenFile],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(study[0].path, folder)
    (folder / "notes.txt").write_text("not an image")
    assert main(["send", "--to", f"WS@{address}", "--trace", str(folder)]) == 0
    printed = capsys.readouterr()
    assert "1/1 ct-1-0001.dcm: sent (CT Image Storage in Explicit VR Little Endian)" in printed.out
    assert "A-ASSOCIATE-RQ  PACSLAB calls WS, 1 context proposed" in printed.out
    assert "notes.txt" in printed.err
    assert len(node.run(Received()).received) == 1


def test_a_simulated_study_is_sent_without_leaving_files(node: ModalityNode, address: str) -> None:
    arguments = ["send", "--to", f"WS@{address}", "--calling", "CT1", "--family", "ct"]
    assert main([*arguments, "--images", "1"]) == 0
    (received,) = node.run(Received()).received
    assert received.calling_aetitle == "CT1"


def test_an_echo_that_is_rejected_exits_with_1_and_says_why(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["echo", "--to", f"WS@{address}"]) == 0
    assert main(["echo", "--to", f"OTHER@{address}"]) == 1
    assert capsys.readouterr().err == "stopped at associate: rejected 1/1/7\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["send", "--to", "WS@127.0.0.1:104"], "nothing to send"),
        (["send", "--to", "WS@127.0.0.1:104", "/nowhere.dcm"], "nowhere.dcm"),
        (["send", "--to", "WS@127.0.0.1:104", "--family", "XT"], "unknown modality family"),
        (
            ["send", "--to", "WS@127.0.0.1:104", "--associations", "65", "/nowhere.dcm"],
            "--associations: ",
        ),
        (["generate", "--out", "x", "--transfer-syntax", "JPEGLossless"], "can't be made in"),
        (["generate", "--out", "x", "--rows", "65536"], "rows from 1 to 65535, saw 65536"),
        (["generate", "--out", "x", "--seed", "-1"], "a seed from 0"),
        (["listen", "--aetitle", "MORE THAN SIXTEEN", "--port", "0"], "can't be an AE title"),
        (["echo", "--to", "WS@127.0.0.1:104", "--key", "x"], "--certificate, which is missing"),
        (["echo", "--to", "WS@127.0.0.1:104", "--check-hostname"], "chains to a trusted CA"),
        (["qido", "--to", "http://127.0.0.1:80", "--trusted", "x"], "expected https://"),
        (["commit", "--to", "WS@127.0.0.1:104", "--wait", "-1", "/nowhere.dcm"], "--wait: "),
    ],
)
def test_wrong_input_exits_with_2_and_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_what_an_archive_does_not_commit_to_is_named_and_no_success(
    study: list[WrittenFile], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = CommitmentResult(
        transaction_uid="2.25.9", committed=("2.25.1",), failed={"2.25.2": 0x0112}, on="same"
    )
    answered = Report(commitment=result)
    monkeypatch.setattr(commit, "carry_out", lambda *_: answered)
    assert main(["commit", "--to", "WS@127.0.0.1:104", str(study[0].path)]) == 1
    printed = capsys.readouterr()
    assert "2.25.1 committed\n" in printed.out
    assert printed.err == "2.25.2 not committed: failure reason 0x0112\n"


@pytest.mark.parametrize(
    ("options", "environment", "target"),
    [
        (
            ["--to", "https://pacs.example/dicom-web/"],
            {"PACSLAB_TOKEN": "secret"},
            WebTarget(
                host="pacs.example",
                port=443,
                root="/dicom-web",
                tls=Tls(),
                auth=WebAuth(token="secret"),
            ),
        ),
        (
            ["--to", "http://[::1]:8042", "--user", "ada"],
            {"PACSLAB_TOKEN": "secret", "PACSLAB_PASSWORD": "word"},
            WebTarget(host="::1", port=8042, root="", auth=WebAuth(user="ada", password="word")),
        ),
        (["--to", "http://pacs.example/"], {}, WebTarget(host="pacs.example", port=80, root="")),
    ],
    ids=["token-over-tls", "password", "nobody"],
)
def test_an_origin_server_is_asked_as_its_address_and_the_environment_say(
    options: list[str],
    environment: dict[str, str],
    target: WebTarget,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Qido] = []

    def answer(command: Qido) -> Report:
        asked.append(command)
        return Report()

    for name in ("PACSLAB_TOKEN", "PACSLAB_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(dicomweb, "carry_out", answer)
    assert main(["qido", *options]) == 0
    assert [command.target for command in asked] == [target]


@pytest.mark.parametrize("command", ["send", "commit"])
def test_a_folder_without_dicom_files_is_no_success(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--to", "WS@127.0.0.1:104", str(tmp_path)]) == 2
    assert f"there is no DICOM file below {tmp_path}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["echo", "--timeout", "0"], "expected seconds from above 0"),
        (["echo", "--timeout", "nan"], "expected seconds from above 0"),
        (["send", "--images", "three"], "expected a whole number of at least 1, saw 'three'"),
        (["listen", "--port", "65536"], "expected a port from 0 to 65535"),
        (["node", "--control-port", "-1"], "expected a port from 0 to 65535"),
    ],
)
def test_a_number_that_is_none_is_explained(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("target", ["WS", "WS@host", "WS@host:0", "WS@host:99999", "@host:104"])
def test_a_target_that_is_none_is_explained(
    target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["echo", "--to", target])
    assert left.value.code == 2
    assert "expected TITLE@host:port such as" in capsys.readouterr().err


def test_a_peer_that_stops_halfway_is_reported_object_by_object(
    peers: ScriptedPeers, study: list[WrittenFile], capsys: pytest.CaptureFixture[str]
) -> None:
    def script(peer: Conversation) -> None:
        peer.accept()
        peer.message()
        peer.send(bytes.fromhex("0700 0000 0004 0000 0000"))

    target = peers.play(script)
    names = [str(written.path) for written in study]
    assert main(["send", "--to", f"PEER@{LOOPBACK}:{target.port}", *names]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("1/3 ct-1-0001.dcm: dimse: aborted 0/0")
    assert printed.err == "stopped at dimse: aborted 0/0\n"


def test_a_simulated_study_is_made_while_it_is_sent(
    node: ModalityNode, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    size = ["--rows", "16", "--columns", "16", "--images", "2"]
    families = ["--family", "CT", "--family", "KO"]
    assert main(["send", "--to", f"WS@{address}", *families, *size]) == 0
    received = node.run(Received()).received
    assert len(received) == 4
    assert len({each.fingerprint.study_instance_uid for each in received}) == 1
    assert "4/4 ko-1-0002.dcm: sent (Key Object Selection" in capsys.readouterr().out


def test_a_study_that_is_refused_is_not_made_any_further(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--family", "CT", "--images", "1000", "--rows", "16", "--columns", "16"]
    assert main(["send", "--to", f"OTHER@{address}", *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.err == "stopped at associate: rejected 1/1/7\n"
    assert printed.out == ""


def test_what_is_sent_can_be_spoiled(node: ModalityNode, address: str) -> None:
    arguments = ["--family", "CT", "--images", "1", "--rows", "16", "--columns", "16"]
    spoiled = ["--alter", "remove PatientID", "--alter", "set Modality XX"]
    assert main(["send", "--to", f"WS@{address}", *arguments, *spoiled]) == 0
    (received,) = node.run(Received()).received
    assert received.fingerprint.patient_id == ""
    assert main(["send", "--to", f"WS@{address}", *arguments, "--misbehave", "abort 300"]) == 1


def test_either_files_or_a_family_is_sent(
    address: str, study: list[WrittenFile], capsys: pytest.CaptureFixture[str]
) -> None:
    both = ["send", "--to", f"WS@{address}", "--family", "CT", str(study[0].path)]
    assert main(both) == 2
    assert "saw both" in capsys.readouterr().err


def test_all_that_can_be_simulated_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["families"]) == 0
    assert "US-CINE        Ultrasound of a beating heart" in capsys.readouterr().out


def test_several_families_are_generated_as_one_study(tmp_path: Path) -> None:
    out = tmp_path / "study"
    arguments = ["--family", "us-cine", "--frames", "2", "--family", "sr", "--images", "1"]
    size = ["--rows", "32", "--columns", "32", "--patient", "japanese"]
    assert main(["generate", "--out", str(out), *arguments, *size]) == 0
    cine, report = (pydicom.dcmread(path) for path in sorted(out.iterdir(), reverse=True))
    assert cine.NumberOfFrames == 2
    assert cine.StudyInstanceUID == report.StudyInstanceUID
    assert str(report.PatientName).startswith("Yamada^Tarou=")
