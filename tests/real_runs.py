"""Runs of the command line as processes of their own, and what they leave on this machine.

Everything that a run starts inherits its environment, so the state folder of a test in it is what
tells this test's processes from all others (Linux: ``/proc``).
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.machine.waiting import wait_until
from orchestrator.model.results import CellResult, RunResult
from orchestrator.records.record import load_run

ROOT: Final = Path(__file__).resolve().parent.parent
#: Bound of every wait, in seconds; a machine under load gets all of it.
PATIENCE: Final = 90.0
#: TCP states of ``/proc/net/tcp``.
SYN_SENT: Final = "02"
LISTEN: Final = "0A"

#: The command line with plug-ins that go wrong, for scenarios of a test's own.
WITH_PLUGINS: Final = """
import os, signal
from typing import ClassVar
from orchestrator import cli
from orchestrator.machine import processes
from orchestrator.faults.base import FAULTS, Fault
from orchestrator.machine.owners import entries
from orchestrator.probes.base import PROBES
from orchestrator.probes.echo import EchoProbe

class Nothing(Fault):
    layer: ClassVar[str] = "addressing"

    def change(self, state, route):
        return state

@FAULTS.register("breaks-down")
class BreaksDown(Nothing):
    def verify(self, lab, route):
        raise ZeroDivisionError("a bug in a plug-in")

@FAULTS.register("kills-the-archive")
class KillsTheArchive(Nothing):
    def verify(self, lab, route):
        for _, entry in entries("processes", processes.ProcessEntry):
            if entry.process is not None and "archive-dies" in " ".join(entry.command):
                processes.end(entry.process, signal.SIGKILL)
        return ()

@FAULTS.register("kills-the-container")
class KillsTheContainer(Nothing):
    def verify(self, lab, route):
        from orchestrator.backends.docker.engine import DockerEngine
        engine = DockerEngine()
        (run,) = entries("runs", processes.RunEntry)
        labels = (f"org.pacslab.run={run[1].run}", "org.pacslab.role=archive")
        for container in engine.containers(*labels):
            engine.api.kill(container["Id"])
        return ()

class BrokenProbe(EchoProbe):
    name = "breaks-down"

    def run(self, lab, route, study):
        raise ZeroDivisionError("a bug in a plug-in")

PROBES.register("breaks-down")(BrokenProbe())
cli.main()
"""


@dataclass(frozen=True)
class Connection:
    """A TCP socket of ``/proc/net/tcp`` and the program that holds it."""

    program: str
    local: tuple[str, int]
    remote: tuple[str, int]


class Run:
    """A run that is going on."""

    def __init__(self, process: subprocess.Popen[str], runs: Path) -> None:
        self.process = process
        self.runs = runs
        self.said = ""

    def await_line(self, *words: str) -> None:
        """Read on until a line on standard error holds every word."""
        self.await_lines(words)

    def await_lines(self, *wanted: tuple[str, ...]) -> None:
        """Read on until each of ``wanted`` was met by a line that holds all its words."""
        assert self.process.stderr is not None
        missing = list(wanted)
        for line in self.process.stderr:
            self.said += line
            missing = [words for words in missing if not all(word in line for word in words)]
            if not missing:
                return
        raise AssertionError(f"the run ended without saying {missing}: {self.said}")

    def signal(self, number: signal.Signals) -> None:
        """Signal the run's own process."""
        self.process.send_signal(number)

    def kill_all(self) -> None:
        """``kill -9`` the run's process and those that it forked; its nodes live on.

        A process takes a moment to die; whoever looks earlier sees it alive.
        """
        os.killpg(self.process.pid, signal.SIGKILL)
        wait_until(self._all_dead, seconds=PATIENCE, what="the killed processes to be gone")

    def _all_dead(self) -> bool:
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # it has just ended
                state, _, group = stat.read_text().rpartition(")")[2].split()[:3]
                if int(group) == self.process.pid and state not in "ZX":
                    return False
        return True

    def end(self) -> int:
        """Wait for the end; the exit code."""
        out, err = self.process.communicate(timeout=PATIENCE)
        self.said += err + out
        return self.process.returncode

    @property
    def record(self) -> RunResult:
        """The newest record in its folder of runs."""
        return load_run(self.runs / "latest")


class Machine:
    """State, temporary files and records of one test's runs."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.temporary = folder / "tmp"
        self.runs = folder / "runs"
        self.folder = folder
        self.temporary.mkdir()
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "PACSLAB_STATE": str(self.state),
            "TMPDIR": str(self.temporary),
        }
        self._started: list[subprocess.Popen[str]] = []

    def start(
        self,
        *words: str,
        runs: Path | None = None,
        cwd: Path = ROOT,
        script: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Start ``pacslab run`` with ``words``, or ``script`` in its place."""
        runs = runs or self.runs
        program = ("-m", "orchestrator") if script is None else ("-c", script)
        process = subprocess.Popen(
            [sys.executable, *program, "run", *words, "--runs", str(runs)],
            cwd=cwd,
            env={**self.environment, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._started.append(process)
        return Run(process, runs)

    def run(self, *words: str) -> Run:
        """``start``, and wait for the end, which must be exit code 0."""
        run = self.start(*words)
        code = run.end()
        assert code == 0, run.said
        return run

    def clean(self) -> str:
        """``pacslab clean``; what it said."""
        return self._pacslab("clean")

    def show(self, name: str) -> str:
        """``pacslab show``; what it said."""
        return self._pacslab("show", name, "--runs", str(self.runs))

    def _pacslab(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return done.stdout

    def processes(self) -> set[int]:
        """Ids of all live processes of this test's runs."""
        mark = f"PACSLAB_STATE={self.state}\0".encode()
        found = set()
        for environment in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):  # it has just ended, or is somebody else's
                if mark in environment.read_bytes() + b"\0":
                    found.add(int(environment.parent.name))
        return found

    def _command_lines(self) -> list[str]:
        lines = []
        for pid in self.processes():
            with suppress(OSError):  # it has just ended
                line = Path(f"/proc/{pid}/cmdline").read_bytes()
                lines.append(line.replace(b"\0", b" ").decode(errors="replace")[:200])
        return lines

    def connections(self, state: str) -> Iterator[Connection]:
        """TCP sockets of this test's processes in ``state``."""
        held: dict[str, str] = {}
        for pid in self.processes():
            with suppress(OSError):  # it has just ended
                program = Path(f"/proc/{pid}/comm").read_text().strip()
                for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                    held[descriptor.readlink().name] = program
        for table in ("tcp", "tcp6"):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                program = held.get(f"socket:[{fields[9]}]", "")
                if program and fields[3] == state:
                    yield Connection(program, _address(fields[1]), _address(fields[2]))

    def entries(self) -> list[Path]:
        """Reservations, process entries, folder entries and run entries."""
        return [path for path in self.state.rglob("*") if path.is_file()]

    def await_silence_on_the_wire(self) -> None:
        """Block until a node waits for an answer to its connection request."""
        wait_until(
            lambda: any(self.connections(SYN_SENT)),
            seconds=PATIENCE,
            what="a connection request that nobody answers",
        )

    def require_nothing_left(self) -> None:
        """No process, reservation or temporary file of this test's runs is left.

        A process that was killed is given time to be gone; one that was forgotten never goes.
        """
        wait_until(
            lambda: not self.processes(),
            seconds=PATIENCE,
            what=f"the end of {self._command_lines()}",
        )
        assert self.entries() == [], [(str(p), p.read_text()) for p in self.entries()]
        assert list(self.temporary.iterdir()) == []

    def close(self) -> None:
        """End whatever a failed test left; by id, and only what carries this test's mark."""
        for process in self._started:
            process.kill()
            process.communicate(timeout=PATIENCE)
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.clean()


def scenario(folder: Path, name: str, *, probe: str = "echo", fault: str | None = None) -> None:
    """Write a scenario with one route from ct to archive below ``folder``/scenarios."""
    file = folder / "scenarios" / "addressing" / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        f"name: {name}",
        "title: Something goes wrong with the lab itself",
        "category: addressing",
        "story: Nobody changed anything.",
        "symptom: None.",
        "roles: {ct: {kind: modality}, archive: {kind: archive}}",
        f"routes: {{only: {{probe: {probe}, from: ct, to: archive}}}}",
    ]
    if fault is not None:
        lines += [f"fault: {fault}", "expect: {fault: [{outcome: success}]}"]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def cells(record: RunResult, name: str) -> list[CellResult]:
    """The cells of one scenario."""
    return [cell for cell in record.cells if cell.cell.scenario == name]


def _address(text: str) -> tuple[str, int]:
    """``0100007F:1F90`` is 127.0.0.1:8080: words of an address are in this machine's byte order."""
    address, _, port = text.partition(":")
    words = [int(address[n : n + 8], 16) for n in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)
