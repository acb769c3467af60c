"""DCMTK's tools, as independent readers of what families make."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.peers import tool


def run(name: str, *arguments: str | Path) -> str:
    """What the tool says; it has to succeed."""
    command = [tool(name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    assert done.returncode == 0, said
    return said
