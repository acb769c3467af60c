"""What Nagle's algorithm costs DICOM: DCMTK to DCMTK on loopback, with and without TCP_NODELAY."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.native import native_tool
from modalities.generation import write_study
from orchestrator.machine.reservations import release_port, reserve_port
from orchestrator.machine.waiting import wait_until

_OBJECTS: Final = 60


def objects_per_second(folder: Path, *, nodelay: bool) -> float:
    """Objects of 512 x 512 that DCMTK's storescu sends to storescp in a second.

    Raises:
        EnvironmentProblemError: DCMTK is not installed.
    """
    files = sorted(folder.glob("*.dcm"))
    if not files:
        write_study(folder, "CT", images=_OBJECTS, rows=512, columns=512, seed=1)
        files = sorted(folder.glob("*.dcm"))
    environment = {**os.environ, "TCP_NODELAY": "1" if nodelay else "0"}
    with _storescp(environment) as port:
        command = [native_tool("storescu"), "-aec", "BENCH", "127.0.0.1", str(port)]
        began = time.perf_counter()
        subprocess.run([*command, *map(str, files)], check=True, env=environment, timeout=120)
        return len(files) / (time.perf_counter() - began)


@contextmanager
def _storescp(environment: dict[str, str]) -> Iterator[int]:
    port = reserve_port("bench")
    command = [native_tool("storescp"), "--ignore", "-aet", "BENCH", str(port)]
    try:
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                wait_until(
                    lambda: _echoed(port, environment), seconds=20, what="storescp to answer"
                )
                yield port
            finally:
                process.kill()
    finally:
        release_port(port)


def _echoed(port: int, environment: dict[str, str]) -> bool:
    echo = [native_tool("echoscu"), "-aec", "BENCH", "127.0.0.1", str(port)]
    done = subprocess.run(echo, check=False, env=environment, timeout=20, stderr=subprocess.DEVNULL)
    return done.returncode == 0
