"""Real peers for tests: Orthanc as a process of its own, and DCMTK's tools."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import pytest
import requests

from bench.native import find_native
from orchestrator.machine.reservations import release_port, reserve_port
from orchestrator.machine.waiting import wait_until
from orchestrator.model.address import Address
from orchestrator.stacks.orthanc.plugins import DICOMWEB, find_plugin

LOOPBACK = "127.0.0.1"
_ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}
#: Seconds, for what happens at once unless something is broken; a busy machine may need them.
PATIENCE: Final = 30.0
_RESERVED: list[int] = []


def missing(why: str) -> NoReturn:
    """Skip the test, or fail where that would hide what CI is there to show."""
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def tool(name: str) -> str:
    """Path of a vendor's program, without which the test is ``missing`` its peer."""
    return find_native(name) or missing(
        f"{name} is not installed; .ci/run names the Debian package"
    )


def dicomweb_plugin() -> str:
    """Path of Orthanc's DICOMweb plugin, without which the test is ``missing`` its peer."""
    return find_plugin(DICOMWEB) or missing(
        "Orthanc's DICOMweb plugin is not installed; apt-get install orthanc-dicomweb"
    )


def reserved_port() -> int:
    """A port that no run and no other test gets until ``release_ports``, listened on or not."""
    port = reserve_port("tests")
    _RESERVED.append(port)
    return port


def release_ports() -> None:
    """Give back every port that this process's tests reserved."""
    while _RESERVED:
        release_port(_RESERVED.pop())


@dataclass
class Orthanc:
    """A running Orthanc: its DICOM address, its REST interface and its log."""

    dicom: Address
    url: str
    log_file: Path

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def instances(self) -> int:
        answer = requests.get(f"{self.url}/statistics", timeout=PATIENCE).json()
        return int(answer["CountInstances"])

    def empty(self) -> None:
        for patient in requests.get(f"{self.url}/patients", timeout=PATIENCE).json():
            requests.delete(f"{self.url}/patients/{patient}", timeout=PATIENCE)

    def upload(self, file: Path) -> str:
        """Put an instance in; returns its Orthanc identifier."""
        answer = requests.post(f"{self.url}/instances", file.read_bytes(), timeout=PATIENCE)
        answer.raise_for_status()
        return str(answer.json()["ID"])

    def send(self, instance: str, modality: str) -> int:
        """Have it C-STORE an instance to a known modality; returns the HTTP status."""
        url = f"{self.url}/modalities/{modality}/store"
        return requests.post(url, json=instance, timeout=PATIENCE).status_code


@contextmanager
def running_orthanc(
    folder: Path, settings: Mapping[str, object], *, auth: tuple[str, str] | None = None
) -> Iterator[Orthanc]:
    """Orthanc on loopback with ``settings`` on top of what keeps it there.

    ``auth`` is a user with a password, where the settings ask for one.
    """
    binary = tool("Orthanc")
    folder.mkdir(parents=True, exist_ok=True)
    dicom, web = reserved_port(), reserved_port()
    configuration = {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "DicomPort": dicom,
        "HttpPort": web,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        **settings,
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    log_file = folder / "orthanc.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [binary, "--verbose", str(folder / "orthanc.json")],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_ENVIRONMENT,
        )
    orthanc = Orthanc(Address(LOOPBACK, dicom), f"http://{LOOPBACK}:{web}", log_file)

    def answers() -> bool:
        try:
            return requests.get(f"{orthanc.url}/system", auth=auth, timeout=1).ok
        except requests.ConnectionError:
            return False

    try:
        wait_until(
            answers,
            seconds=PATIENCE,
            what="Orthanc's REST interface",
            alive=lambda: process.poll() is None,
            log=orthanc.log,
        )
        yield orthanc
    finally:
        process.kill()
        process.wait()


def dcmtk(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a DCMTK tool to its end."""
    return subprocess.run(
        [tool(name), *map(str, arguments)],
        capture_output=True,
        text=True,
        env=_ENVIRONMENT,
        timeout=60,
        check=False,
    )
