"""Loopback ports and temporary folders of runs: reserved so that two runs never want the same.

A port is reserved by a file that only one process can create, and stays reserved while nothing
listens on it: the instant between choosing a port and binding it is where two labs would meet.
Two users, or two state folders, don't see each other's files; they meet at a name that the kernel
gives to one process only and takes back when that ends.
"""

from __future__ import annotations

import re
import secrets
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Final

from dicom.frozen import Frozen
from orchestrator.errors import EnvironmentProblemError
from orchestrator.machine.owners import (
    ProcessIdentity,
    entries,
    remove_unfinished,
    state_folder,
    write_entry,
    write_new_entry,
)

#: Below the range from which the system picks source ports of outgoing connections (Linux:
#: 32768-60999, ``net.ipv4.ip_local_port_range``), so that no client can take a reserved one.
PORTS: Final = range(20000, 32000)
_SORT_PORTS: Final = "ports"
_HELD: Final[dict[int, socket.socket]] = {}
_SORT_FOLDERS: Final = "folders"


class PortEntry(Frozen):
    """A reserved port's owner and run."""

    owner: ProcessIdentity
    run: str


class FolderEntry(Frozen):
    """A temporary folder, its owner and run."""

    owner: ProcessIdentity
    run: str
    path: Path


def reserve_port(run: str) -> int:
    """Reserve a TCP port that is free on every address for ``run`` until it is released.

    Raises:
        EnvironmentProblemError: none of ``PORTS`` is free.
    """
    folder = state_folder(_SORT_PORTS)
    entry = PortEntry(owner=ProcessIdentity.current(), run=run)
    start = secrets.randbelow(len(PORTS))
    for offset in range(len(PORTS)):
        port = PORTS[(start + offset) % len(PORTS)]
        path = folder / f"{port}.json"
        if path.exists() or not write_new_entry(path, entry):
            continue
        if _hold(port):
            if _is_free(port):
                return port
            _let_go(port)
        path.unlink()
    raise EnvironmentProblemError(
        f"no TCP port between {PORTS.start} and {PORTS.stop - 1} is free."
        f" Run 'pacslab clean', or remove stale reservations below {folder}."
    )


def release_port(port: int) -> None:
    """Give a reserved port back; idempotent."""
    _let_go(port)
    (state_folder(_SORT_PORTS) / f"{port}.json").unlink(missing_ok=True)


def temporary_folder(run: str, label: str = "lab") -> Path:
    """Make a folder below the system's temporary folder that no crash can leave for good.

    Raises:
        EnvironmentProblemError: it can't be made.
    """
    # The name is entered first: a folder that exists is always one that a sweep can find.
    name = re.sub(r"[^\w.-]", "-", f"pacslab-{run}-{label}-{secrets.token_hex(4)}")
    path = Path(tempfile.gettempdir()) / name
    entry = FolderEntry(owner=ProcessIdentity.current(), run=run, path=path)
    entered = state_folder(_SORT_FOLDERS) / f"{path.name}.json"
    write_entry(entered, entry)
    try:
        path.mkdir(mode=0o700)
    except OSError as error:
        entered.unlink(missing_ok=True)
        raise EnvironmentProblemError(
            f"cannot make the temporary folder {path}: {error.strerror}. Free some space there,"
            " or set TMPDIR to a folder that you may write."
        ) from error
    return path


def remove_folder(path: Path) -> None:
    """Remove a folder that ``temporary_folder`` made, and its entry; idempotent."""
    shutil.rmtree(path, ignore_errors=True)
    if not path.exists():
        (state_folder(_SORT_FOLDERS) / f"{path.name}.json").unlink(missing_ok=True)


def sweep() -> list[str]:
    """Free ports and remove folders whose owner is dead; a line for each folder, one for ports."""
    removed = []
    for _, entry in entries(_SORT_FOLDERS, FolderEntry):
        if not entry.owner.alive():
            if entry.path.exists():
                removed.append(f"temporary folder {entry.path} of run {entry.run}")
            remove_folder(entry.path)
    for sort in (_SORT_FOLDERS, _SORT_PORTS):
        remove_unfinished(sort)
    freed = [path for path, entry in entries(_SORT_PORTS, PortEntry) if not entry.owner.alive()]
    for path in freed:
        path.unlink(missing_ok=True)
    if freed:
        removed.append(f"{len(freed)} port reservation{'' if len(freed) == 1 else 's'}")
    return removed


def _hold(port: int) -> bool:
    """Whether no other process of this machine, whoever's, has reserved ``port``.

    Linux alone has names of sockets that are no files; elsewhere the reservation's file must do.
    """
    if not sys.platform.startswith("linux"):
        return True
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0pacslab-port-{port}")
    except OSError:
        name.close()
        return False
    _HELD[port] = name
    return True


def _let_go(port: int) -> None:
    if (name := _HELD.pop(port, None)) is not None:
        name.close()


def _is_free(port: int) -> bool:
    # Orthanc opens its ports on all interfaces, our own nodes theirs on loopback alone, and not
    # every system lets the one kind of bind show what the other would meet.
    for host in ("", "127.0.0.1"):
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return False
    return True
