"""Orthanc in a lab of a test, and what its neighbours on the network see of it."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Final
from urllib.request import Request, urlopen

from orchestrator.backends.base import Launch
from orchestrator.backends.docker.engine import DockerEngine
from orchestrator.backends.docker.runner import DockerRunner
from orchestrator.machine.waiting import wait_until

PORTS: Final = {"dicom": 4242, "web": 8042}
PASSWORD: Final = "known-to-this-test"
ANSWER_SECONDS: Final = 60.0


def orthanc(runner: DockerRunner, role: str, aetitle: str = "ORTHANC") -> Launch:
    """An Orthanc with the title ``aetitle``, reserved but not started."""
    place = runner.reserve(role, PORTS)
    configuration = {
        "DicomAet": aetitle,
        "DicomPort": place.listen["dicom"].port,
        "HttpPort": place.listen["web"].port,
        "StorageDirectory": place.node_data,
        "IndexDirectory": place.node_data,
        "RemoteAccessAllowed": True,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"lab": PASSWORD},
    }
    return Launch(
        role=role,
        ports=PORTS,
        service="orthanc",
        files={"orthanc.json": json.dumps(configuration).encode()},
    )


def ask(runner: DockerRunner, role: str, path: str, body: bytes | None = None) -> dict[str, object]:
    """Orthanc's answer to ``GET`` or, with a body, ``POST``, from this host."""
    credentials = base64.b64encode(f"lab:{PASSWORD}".encode()).decode()
    url = f"http://{runner.control(role, 'web')}{path}"
    request = Request(url, data=body, headers={"Authorization": f"Basic {credentials}"})
    with urlopen(request, timeout=10) as answer:  # noqa: S310  an address of this test's own lab
        decoded: dict[str, object] = json.load(answer)
    return decoded


def await_orthanc(runner: DockerRunner, role: str) -> None:
    """Block until Orthanc answers on its web port."""
    wait_until(
        partial(_answers, runner, role),
        seconds=ANSWER_SECONDS,
        what=f"{role} to answer",
        alive=lambda: runner.alive(role),
        log=lambda: runner.log(role),
    )


def _answers(runner: DockerRunner, role: str) -> bool:
    try:
        return "Version" in ask(runner, role, "/system")
    except OSError:
        return False


def run_in(engine: DockerEngine, container: str, *command: str) -> tuple[int, str]:
    """Exit code and output of a command inside a container."""
    made = engine.call(engine.api.exec_create, container, list(command))["Id"]
    output = engine.call(engine.api.exec_start, made)
    assert isinstance(output, bytes)
    return int(engine.call(engine.api.exec_inspect, made)["ExitCode"]), output.decode().strip()


def connect(engine: DockerEngine, runner: DockerRunner, client: str, host: str, port: int) -> str:
    """What a TCP client in ``client``'s container meets: ``open``, ``refused`` or ``silence``."""
    # The connection is closed at once: Orthanc accepts nothing else while one is silent.
    attempt = f"timeout 2 bash -c 'exec 3<>/dev/tcp/{host}/{port}'"
    code, output = run_in(engine, runner.container(client), "bash", "-c", attempt)
    if code == 0:
        return "open"
    if code == 124:
        return "silence"
    return "refused" if "refused" in output else output
