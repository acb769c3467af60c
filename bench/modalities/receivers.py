"""Who receives: DCMTK's storescp, which keeps nothing, and Orthanc, which keeps everything."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import requests

from bench.native import native_tool
from orchestrator.errors import LabError
from orchestrator.machine.reservations import release_port, reserve_port
from orchestrator.machine.waiting import wait_until

LOOPBACK: Final = "127.0.0.1"
#: What every node of the lab has: without it the senders would be compared at 44 ms a message.
ENVIRONMENT: Final = {**os.environ, "TCP_NODELAY": "1"}
_LIMIT_SECONDS: Final = 20
_REST_SECONDS: Final = 60


@dataclass(frozen=True)
class RunningReceiver:
    """A storage SCP at work: its process, title and port."""

    process: int
    title: str
    port: int

    def processor_seconds(self) -> float | None:
        """Processor time that it has used so far; None where the system does not say."""
        try:
            fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        user, system = (int(field) for field in fields[11:13])
        return (user + system) / float(os.sysconf("SC_CLK_TCK"))


@contextmanager
def storescp(*, at_the_same_time: bool) -> Iterator[RunningReceiver]:
    """DCMTK's ``storescp --ignore``; one process, or one for each association.

    Raises:
        EnvironmentProblemError: DCMTK is not installed.
        LabError: it does not get ready.
    """
    how = "--fork" if at_the_same_time else "--single-process"
    with _started([native_tool("storescp"), "--ignore", how, "-aet", "BENCH"], "BENCH") as receiver:
        yield receiver


@contextmanager
def orthanc(folder: Path) -> Iterator[RunningReceiver]:
    """A new Orthanc that stores below ``folder``, on disk and without a limit.

    Raises:
        EnvironmentProblemError: Orthanc is not installed.
        LabError: it does not get ready, or holds something else than what it was sent.
    """
    program = native_tool("Orthanc")
    port, web = reserve_port("bench"), reserve_port("bench")
    settings = {
        "DicomAet": "ORTHANC",
        "DicomPort": port,
        "HttpPort": web,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
    }
    folder.mkdir(parents=True)
    configuration = folder / "orthanc.json"
    configuration.write_text(json.dumps(settings))
    try:
        with _running([program, str(configuration)], "ORTHANC", port) as receiver:
            yield receiver
    finally:
        release_port(port)
        release_port(web)


def held_by(folder: Path) -> int:
    """How many instances the Orthanc of ``folder`` holds, as it says itself."""
    web = json.loads((folder / "orthanc.json").read_text())["HttpPort"]
    answer = requests.get(f"http://{LOOPBACK}:{web}/statistics", timeout=_REST_SECONDS)
    answer.raise_for_status()
    return int(answer.json()["CountInstances"])


@contextmanager
def _started(command: Sequence[str], title: str) -> Iterator[RunningReceiver]:
    port = reserve_port("bench")
    try:
        with _running([*command, str(port)], title, port) as receiver:
            yield receiver
    finally:
        release_port(port)


@contextmanager
def _running(command: Sequence[str], title: str, port: int) -> Iterator[RunningReceiver]:
    echo = [native_tool("echoscu"), "-aec", title, LOOPBACK, str(port)]

    def answers() -> bool:
        done = subprocess.run(
            echo, check=False, env=ENVIRONMENT, timeout=_LIMIT_SECONDS, stderr=subprocess.DEVNULL
        )
        return done.returncode == 0

    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=ENVIRONMENT, stdout=quiet, stderr=quiet) as process:
        try:
            wait_until(
                answers,
                seconds=_LIMIT_SECONDS,
                what=f"{Path(command[0]).name} to answer",
                alive=lambda: process.poll() is None,
            )
            yield RunningReceiver(process.pid, title, port)
            if process.poll() is not None:
                raise LabError(f"{command[0]} ended with {process.returncode} while it was sent to")
        finally:
            process.kill()
