"""The way labs are scripted by hand: compose up, storescu, compose down, for every phase."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Final

from bench.native import native_tool
from modalities.generation import write_study
from orchestrator.machine.reservations import release_port, reserve_port

_LIMIT_SECONDS: Final = 180
#: Phases that are timed: the first warms the engine up and does not count.
_PHASES: Final = 3


def seconds_per_phase(folder: Path, image: str) -> float:
    """Seconds that a phase takes such a script: Orthanc from ``image`` up, one study, down.

    Args:
        folder: where the script's compose file, configuration and study go.
        image: reference of a local Orthanc image.
    """
    port = reserve_port("bench")
    try:
        files = [written.path for written in write_study(folder / "study", "CT", images=3)]
        (folder / "orthanc.json").write_text(
            json.dumps({"AuthenticationEnabled": False, "RemoteAccessAllowed": True})
        )
        compose = folder / "compose.yaml"
        compose.write_text(json.dumps(_project(folder, image, port)))
        command = ["docker", "compose", "--project-name", f"pacslab-bench-{port}"]
        command += ["--file", str(compose)]
        store = [
            native_tool("storescu"),
            "-aec",
            "ORTHANC",
            "127.0.0.1",
            str(port),
            *map(str, files),
        ]
        began = time.perf_counter()
        for phase in range(1 + _PHASES):
            if phase == 1:
                began = time.perf_counter()
            try:
                _run([*command, "up", "--detach", "--wait"])
                _run(store)
            finally:
                _run([*command, "down", "--volumes"])
        return (time.perf_counter() - began) / _PHASES
    finally:
        release_port(port)


def _project(folder: Path, image: str, port: int) -> dict[str, object]:
    check = "exec 3<>/dev/tcp/127.0.0.1/8042"
    return {
        "services": {
            "orthanc": {
                "image": image,
                "ports": [f"127.0.0.1:{port}:4242"],
                "volumes": [f"{folder / 'orthanc.json'}:/etc/orthanc/orthanc.json:ro"],
                "healthcheck": {
                    "test": ["CMD", "bash", "-c", check],
                    "interval": "300ms",
                    "retries": 100,
                },
            }
        }
    }


def _run(command: list[str]) -> None:
    subprocess.run(
        command,
        check=True,
        timeout=_LIMIT_SECONDS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
