"""A profile archive as a process of its own: ``python -m archive FILE``."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from threading import Event

from pydantic import ValidationError

from archive.configuration import ServerConfiguration
from archive.server import ProfileServer
from dicom.errors import UsageError


def main(arguments: list[str]) -> int:
    """Run until SIGTERM or SIGINT; the log goes to standard output. Returns the exit code."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m archive CONFIGURATION.json\n")
        return 2
    try:
        text = Path(arguments[0]).read_text(encoding="utf-8")
        configuration = ServerConfiguration.model_validate_json(text)
    except (OSError, ValidationError) as error:
        sys.stderr.write(f"configuration {arguments[0]} can't be used: {error}\n")
        return 2
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        server = ProfileServer(configuration, echo=True)
    except (UsageError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 3
    ended.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
