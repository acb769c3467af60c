"""Whatever ends a run, nothing of it is left on this machine, and the record says what happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.machine.waiting import wait_until
from orchestrator.model.results import RunResult, Verdict
from orchestrator.records.record import load_run, write_run
from tests import samples
from tests.peers import tool
from tests.real_runs import (
    LISTEN,
    PATIENCE,
    ROOT,
    WITH_PLUGINS,
    Machine,
    Run,
    cells,
    scenario,
)

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at processes through /proc"),
]
#: Quick cells, and one whose fault phase is 10 s of silence (``DicomScuTimeout``, F22d).
SILENCE = ("healthy", "firewall-drop", "--backend", "local")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    machine = Machine(tmp_path)
    yield machine
    machine.close()


def hanging(machine: Machine, *words: str) -> Run:
    """A run with finished cells behind it that waits for a peer that keeps silent."""
    run = machine.start(*SILENCE, *words)
    run.await_lines(("healthy", ": pass"), ("firewall-drop", "forward: orthanc", "baseline"))
    machine.await_silence_on_the_wire()
    return run


# --- told to stop ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "number", "code"),
    [("starting", signal.SIGINT, 130), ("baseline", signal.SIGTERM, 143)],
)
def test_a_signal_ends_a_run_in_any_phase(
    machine: Machine, stage: str, number: signal.Signals, code: int
) -> None:
    run = machine.start("firewall-drop", "--backend", "local")
    run.await_line("firewall-drop", stage)
    run.signal(number)
    assert run.end() == code
    machine.require_nothing_left()
    assert f"stopped by {number.name}" in run.record.interrupted


def test_a_signal_ends_a_wait_and_keeps_what_was_finished(machine: Machine) -> None:
    run = hanging(machine)
    run.signal(signal.SIGINT)
    assert run.end() == 130
    machine.require_nothing_left()
    cut = [cell for cell in run.record.cells if cell.verdict is Verdict.ERROR]
    assert cut
    assert all("interrupted" in cell.reason for cell in cut)
    (waiting,) = [cell for cell in cut if cell.cell.path == "orthanc → dcm4chee"]
    assert [phase.name for phase in waiting.phases] == ["baseline"]
    assert Verdict.PASS in {cell.verdict for cell in cells(run.record, "healthy")}


def test_a_signal_ends_threads_too_and_cells_that_never_began_are_counted(
    machine: Machine,
) -> None:
    run = machine.start("firewall-drop", "wrong-port", "--backend", "local", "--workers", "1")
    run.await_line("firewall-drop", "baseline")
    machine.await_silence_on_the_wire()
    run.signal(signal.SIGTERM)
    assert run.end() == 143
    machine.require_nothing_left()
    assert "cells were not begun" in run.record.interrupted
    assert "cut short: stopped by SIGTERM" in run.said


def test_a_second_signal_forces_the_end_and_what_is_left_goes_by_itself(machine: Machine) -> None:
    run = hanging(machine)
    run.signal(signal.SIGINT)
    run.await_line("stopping")
    run.signal(signal.SIGINT)
    assert run.end() == 130
    await_end_of_all(machine)
    machine.clean()
    machine.require_nothing_left()


# --- killed ------------------------------------------------------------------------------------


def await_end_of_all(machine: Machine) -> None:
    wait_until(lambda: not machine.processes(), seconds=PATIENCE, what="all processes to end")


def test_when_only_the_run_itself_is_killed_its_workers_tear_down(machine: Machine) -> None:
    run = hanging(machine)
    run.signal(signal.SIGKILL)
    assert run.end() == -signal.SIGKILL
    await_end_of_all(machine)
    assert {path.parent.name for path in machine.entries()} <= {"runs"}
    assert list(machine.temporary.iterdir()) == []


def test_kill_9_leaves_a_record_of_what_was_finished_that_says_so(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = hanging(machine)
    monkeypatch.setenv("PACSLAB_STATE", str(machine.state))
    at_work = run.record
    assert (at_work.state, at_work.finished) == ("running", "")
    assert Verdict.PASS in {cell.verdict for cell in cells(at_work, "healthy")}
    waiting = {cell.path for cell in at_work.unfinished if cell.scenario == "firewall-drop"}
    assert "orthanc → dcm4chee" in waiting
    run.kill_all()
    assert run.record == at_work.model_copy(update={"state": "killed"})
    assert "cut short: the run was killed" in machine.show("latest")


def test_a_worker_that_dies_costs_its_cells_only_and_leaves_nothing(machine: Machine) -> None:
    run = hanging(machine)
    children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children")
    workers = [int(pid) for pid in children.read_text().split()]
    if not workers:
        pytest.skip("with one processor there are no workers to lose")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    assert run.end() == 1
    machine.require_nothing_left()
    lost = [cell for cell in run.record.cells if cell.verdict is Verdict.ERROR]
    assert lost
    assert all("the process that ran it ended with -9" in cell.reason for cell in lost)
    assert Verdict.PASS in {cell.verdict for cell in cells(run.record, "healthy")}
    assert "removed what a lost process left" in run.said


def test_after_kill_9_the_next_run_works_and_says_what_it_removed(machine: Machine) -> None:
    killed = hanging(machine)
    killed.kill_all()
    killed.end()
    assert machine.processes(), "a node must have outlived its run, or this proves nothing"
    run = machine.run("wrong-port", "--backend", "local", "--stack", "orthanc")
    assert "note: removed what a killed run left: process" in run.said
    assert "port reservations" in run.said
    machine.require_nothing_left()


def test_clean_removes_what_a_killed_run_left(machine: Machine) -> None:
    killed = hanging(machine)
    killed.kill_all()
    killed.end()
    assert "removed temporary folder" in machine.clean()
    machine.require_nothing_left()


# --- things that break -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("probe", "fault"), [("echo", "breaks-down"), ("breaks-down", None)], ids=["fault", "probe"]
)
def test_a_bug_in_a_plug_in_is_one_cells_error(
    machine: Machine, probe: str, fault: str | None
) -> None:
    scenario(machine.folder, "has-a-bug", probe=probe, fault=fault)
    scenario(machine.folder, "has-none")
    words = ("all", "--backend", "local", "--stack", "orthanc")
    run = machine.start(*words, cwd=machine.folder, script=WITH_PLUGINS)
    assert run.end() == 1
    machine.require_nothing_left()
    (broken,) = cells(run.record, "has-a-bug")
    assert broken.verdict is Verdict.ERROR
    assert "ZeroDivisionError: a bug in a plug-in" in broken.reason
    assert (run.runs / run.record.run / broken.folder / "error.txt").exists()
    (sound,) = cells(run.record, "has-none")
    assert sound.verdict is Verdict.PASS


def test_an_archive_that_dies_is_an_error_with_its_last_words(machine: Machine) -> None:
    tool("Orthanc")
    scenario(machine.folder, "archive-dies", fault="kills-the-archive")
    scenario(machine.folder, "archive-lives")
    words = ("all", "--backend", "local", "--stack", "orthanc")
    run = machine.start(*words, cwd=machine.folder, script=WITH_PLUGINS)
    assert run.end() == 1
    machine.require_nothing_left()
    (dead,) = cells(run.record, "archive-dies")
    assert dead.verdict is Verdict.ERROR
    assert "archive (orthanc (process" in dead.reason
    assert "ended by itself, or was ended from outside" in dead.reason
    assert "Orthanc has started" in dead.reason
    (alive,) = cells(run.record, "archive-lives")
    assert alive.verdict is Verdict.PASS


def test_records_on_a_read_only_file_system_are_refused_before_anything_starts(
    machine: Machine,
) -> None:
    run = machine.start("wrong-port", "--backend", "local", runs=Path("/proc/pacslab-runs"))
    assert run.end() == 3
    assert "pacslab: cannot make the run's folder /proc/pacslab-runs/" in run.said
    assert "--runs" in run.said
    assert "Traceback" not in run.said
    machine.require_nothing_left()


def test_a_state_folder_that_can_not_be_written_is_refused_with_what_to_do(
    machine: Machine,
) -> None:
    run = machine.start(
        *("wrong-port", "--backend", "local"), environment={"PACSLAB_STATE": "/proc/pacslab-state"}
    )
    assert run.end() == 3
    assert "PACSLAB_STATE" in run.said
    assert "Traceback" not in run.said
    assert not machine.runs.exists() or not list(machine.runs.iterdir())


def test_a_folder_that_is_called_latest_does_not_spoil_a_run(machine: Machine) -> None:
    (machine.runs / "latest" / "notes").mkdir(parents=True)
    machine.run("wrong-port", "--backend", "local", "--stack", "orthanc")
    assert (machine.runs / "latest" / "notes").is_dir()
    (folder,) = [path for path in machine.runs.iterdir() if path.name != "latest"]
    assert sorted(path.name for path in folder.iterdir()) == ["cells", "run.json"]
    machine.require_nothing_left()


# --- a full disk -------------------------------------------------------------------------------

#: Mounts a small file system that only this process sees, runs, prints what came of it.
ON_A_SMALL_DISK = """
import json, subprocess, sys
from pathlib import Path
disk, size, *command = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=True)
done = subprocess.run(command, capture_output=True, text=True)
records = [path.read_text() for path in Path(disk).glob("runs/*T*/run.json")]
left = [str(path) for path in Path(disk, "tmp").glob("*")]
said = done.stderr + done.stdout
print(json.dumps({"code": done.returncode, "said": said, "records": records, "left": left}))
"""


class SmallDisk:
    """Runs whose records or temporary files are on a disk that is too small."""

    def __init__(self, machine: Machine) -> None:
        self.folder = machine.folder / "disk"
        self.folder.mkdir()
        self._machine = machine
        self._private = ("unshare", "--mount", "--map-root-user", "--")
        mount = ("mount", "-t", "tmpfs", "tmpfs", str(self.folder))
        tried = subprocess.run([*self._private, *mount], capture_output=True, check=False)
        if tried.returncode != 0:
            pytest.skip("no disk can be mounted here; a full one is also simulated")

    def run(self, size: str, *words: str, **environment: str) -> None:
        command = (sys.executable, "-m", "orchestrator", "run", *words)
        done = subprocess.run(
            [*self._private, sys.executable, "-c", ON_A_SMALL_DISK, self.folder, size, *command],
            cwd=ROOT,
            env={**self._machine.environment, **environment},
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        answer = json.loads(done.stdout)
        self.code: int = answer["code"]
        self.said: str = answer["said"]
        self.records = [RunResult.model_validate_json(text) for text in answer["records"]]
        self.left: list[str] = answer["left"]


@pytest.fixture
def disk(machine: Machine) -> SmallDisk:
    return SmallDisk(machine)


ONE_CELL = ("wrong-port", "--backend", "local", "--stack", "orthanc")


def test_a_disk_without_room_for_evidence_still_gets_the_record(
    machine: Machine, disk: SmallDisk
) -> None:
    disk.run("52k", *ONE_CELL, "--runs", str(disk.folder / "runs"))
    assert disk.code == 1
    (record,) = disk.records
    (cell,) = record.cells
    assert cell.verdict is Verdict.ERROR
    assert "is full; free some space" in cell.reason
    assert "the disk is full" in disk.said
    assert "Traceback" not in disk.said
    machine.require_nothing_left()


def test_a_disk_without_room_for_a_record_is_told_on_the_terminal(
    machine: Machine, disk: SmallDisk
) -> None:
    disk.run("4k", "wrong-aetitle", "--backend", "local", "--runs", str(disk.folder / "runs"))
    assert disk.code == 3
    assert all(record.state == "running" for record in disk.records), "it was never finished"
    assert "8 cells on local: 8 error" in disk.said
    assert "pacslab: cannot write the record" in disk.said
    assert "\nrecord:" not in disk.said, "nobody may look for what is not there"
    machine.require_nothing_left()


def test_a_full_temporary_folder_is_the_archives_error_in_its_own_words(
    machine: Machine, disk: SmallDisk
) -> None:
    tool("Orthanc")
    disk.run("100k", *ONE_CELL, "--runs", str(machine.runs), TMPDIR=str(disk.folder))
    assert disk.code == 1
    (cell,) = load_run(machine.runs / "latest").cells
    assert cell.verdict is Verdict.ERROR
    assert "Orthanc has stopped" in cell.reason
    assert disk.left == []
    machine.require_nothing_left()


#: The command line on a disk that takes nothing called so any more.
FULL_FOR = """
import errno, os, pathlib, sys
from orchestrator import cli
def full(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")
write = pathlib.Path.write_bytes
if os.environ["FULL_FOR"] == "record":
    os.fsync = full
pathlib.Path.write_bytes = lambda path, data: (
    full() if os.environ["FULL_FOR"] in path.parts else write(path, data)
)
cli.main()
"""


def test_where_evidence_has_no_room_the_record_does_without_it(machine: Machine) -> None:
    run = machine.start(*ONE_CELL, script=FULL_FOR, environment={"FULL_FOR": "evidence"})
    assert run.end() == 0, run.said
    assert "the record does without the studies sent" in run.said
    assert "there is no evidence of wrong-port.store.orthanc" in run.said
    (cell,) = run.record.cells
    assert cell.verdict is Verdict.PASS
    assert all(phase.traces for phase in cell.phases), "what was seen is still counted"
    assert not any(trace.pdus for phase in cell.phases for trace in phase.traces)
    assert not list(machine.runs.rglob("*.dcm"))
    machine.require_nothing_left()


def test_where_the_record_has_no_room_the_table_is_still_shown(machine: Machine) -> None:
    run = machine.start(*ONE_CELL, script=FULL_FOR, environment={"FULL_FOR": "record"})
    assert run.end() == 3
    assert "1 cell on local: 1 pass" in run.said
    assert "pacslab: cannot write the record" in run.said
    assert not list(machine.runs.rglob("*run.json"))
    machine.require_nothing_left()


# --- side by side ------------------------------------------------------------------------------


def test_two_runs_at_once_do_not_meet(machine: Machine) -> None:
    words = ("wrong-aetitle", "--backend", "local", "--workers", "2")
    both = [machine.start(*words) for _ in range(2)]
    assert [run.end() for run in both] == [0, 0], "".join(run.said for run in both)
    records = [load_run(folder) for folder in machine.runs.glob("*T*Z-*")]
    assert len(records) == 2
    verdicts = {cell.verdict for record in records for cell in record.cells}
    assert verdicts == {Verdict.PASS}
    machine.require_nothing_left()


def test_all_that_runs_listens_on_loopback_and_keeps_its_secrets(machine: Machine) -> None:
    tool("Orthanc")
    run = hanging(machine, "tls-untrusted-ca")
    listening = list(machine.connections(LISTEN))
    assert len(listening) >= 4, "an archive with two ports, a modality and the relay"
    # Orthanc has no key for the address of its DICOM port, nor before 1.12.10 for its web port.
    ours = {each.local[0] for each in listening if each.program != "Orthanc"}
    assert ours == {"127.0.0.1"}
    run.signal(signal.SIGTERM)
    run.end()
    configured = list(machine.runs.glob("*Z-*/cells/*/config/*/orthanc.json"))
    passwords = [json.loads(path.read_text())["RegisteredUsers"]["lab"] for path in configured]
    assert len(set(passwords)) == len(passwords) > 1
    secret = [*configured, *machine.runs.glob("*Z-*/cells/*/exchange/tls/*.key")]
    assert {oct(path.stat().st_mode & 0o777) for path in secret} == {"0o600"}


def test_a_kept_lab_outlives_other_runs_until_it_is_cleaned_up(machine: Machine) -> None:
    kept = machine.run("wrong-port", "--backend", "local", "--stack", "orthanc", "--keep")
    assert "the lab of the last cell is still running" in kept.said
    lab = machine.processes()
    assert lab
    machine.run("wrong-port", "--backend", "local", "--stack", "dcm4chee")
    assert machine.processes() == lab
    assert "removed kept lab" in machine.clean()
    machine.require_nothing_left()


def test_a_lab_whose_archive_died_is_kept_for_a_look_and_removed_later(machine: Machine) -> None:
    tool("Orthanc")
    scenario(machine.folder, "archive-dies", fault="kills-the-archive")
    words = ("all", "--backend", "local", "--stack", "orthanc", "--keep")
    run = machine.start(*words, cwd=machine.folder, script=WITH_PLUGINS)
    assert run.end() == 1
    assert "still running" in run.said
    assert "removed kept lab" in machine.clean()
    machine.require_nothing_left()


def test_a_lab_that_never_came_up_is_not_kept(machine: Machine) -> None:
    broken = machine.folder / "bin" / "Orthanc"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho a broken installation\nexit 1\n")
    broken.chmod(0o755)
    path = f"{broken.parent}{os.pathsep}{os.environ['PATH']}"
    run = machine.start(*ONE_CELL, "--keep", environment={"PATH": path})
    assert run.end() == 1
    assert "Its last words: a broken installation" in run.said
    assert "still running" not in run.said
    machine.require_nothing_left()


def test_old_records_go_by_count_but_never_the_last_failing_one(machine: Machine) -> None:
    failing = samples.cell(verdict=Verdict.FAIL)
    passing = samples.cell()
    for day in range(1, 26):
        name = f"202601{day:02}T000000Z-abcdef"
        (machine.runs / name).mkdir(parents=True)
        cell = failing if day in (1, 2) else passing
        write_run(machine.runs / name, samples.run(cell, name=name))
    machine.run(*ONE_CELL)
    left = sorted(path.name[:8] for path in machine.runs.iterdir() if path.name != "latest")
    assert len(left) == 21
    assert left[0] == "20260102"
    machine.require_nothing_left()
