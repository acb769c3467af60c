"""Who owns what a run makes on this machine: process identities and the folder of their entries.

A process id alone is reused sooner or later; together with the moment the process started it is
not. Everything that a run leaves behind when it is killed is found by such an identity.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self, TypeVar

import psutil
from platformdirs import user_state_path
from pydantic import ValidationError

from dicom.frozen import Frozen
from orchestrator.errors import EnvironmentProblemError

T = TypeVar("T", bound=Frozen)


class ProcessIdentity(Frozen):
    """A process that can't be mistaken for a later one with the same id.

    ``started`` is opaque text, equal only for the same process: on Linux the boot id and the
    start time in clock ticks since boot (proc(5), field 22 of ``/proc/<pid>/stat``).
    """

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The identity of a running process; None when there is none (or it is a zombie)."""
        started = _started(pid)
        return None if started is None else cls(pid=pid, started=started)

    @classmethod
    def current(cls) -> Self:
        """This process.

        Raises:
            RuntimeError: the platform does not tell when a process started.
        """
        identity = cls.of(os.getpid())
        if identity is None:
            raise RuntimeError(f"cannot read the start time of process {os.getpid()}")
        return identity

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return _started(self.pid) == self.started


def state_folder(sort: str) -> Path:
    """The per-user folder (made if missing) that holds entries of one ``sort``.

    In ``$PACSLAB_STATE``, else where the system keeps such: on Linux
    ``$XDG_STATE_HOME/pacslab``, else ``~/.local/state/pacslab``.

    Raises:
        EnvironmentProblemError: it can't be made.
    """
    own = os.environ.get("PACSLAB_STATE")
    folder = (Path(own) if own else user_state_path("pacslab", appauthor=False)) / sort
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise EnvironmentProblemError(
            f"cannot keep the register of what runs start in {folder}: {error.strerror}."
            " Set PACSLAB_STATE to a folder that you may write."
        ) from error
    return folder


def write_entry(path: Path, entry: Frozen) -> None:
    """Write ``entry`` so that a reader sees all of it or nothing.

    Raises:
        EnvironmentProblemError: it can't be written.
    """
    with _written(path, entry) as partial:
        partial.replace(path)


def write_new_entry(path: Path, entry: Frozen) -> bool:
    """``write_entry``, unless ``path`` exists: of two writers one succeeds. Whether this one did.

    Raises:
        EnvironmentProblemError: it can't be written.
    """
    with _written(path, entry) as partial:
        try:
            os.link(partial, path)
        except FileExistsError:
            return False
        finally:
            partial.unlink()
    return True


@contextmanager
def _written(path: Path, entry: Frozen) -> Iterator[Path]:
    """A complete file beside ``path``, named after its writer, for the caller to move there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        partial.write_text(entry.model_dump_json(), encoding="utf-8")
        yield partial
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise EnvironmentProblemError(
            f"cannot enter what this run starts in {path}: {error.strerror}. Free some space, or"
            " set PACSLAB_STATE to a folder that you may write."
        ) from error


def read_entry(path: Path, model: type[T]) -> T | None:
    """The entry at ``path``; None when it is gone or was never written completely."""
    try:
        return model.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def remove_unfinished(sort: str) -> None:
    """Remove what is left of entries whose writer was killed before they were complete."""
    for path in state_folder(sort).glob(".*"):
        writer = path.name.rsplit(".", 2)[-2]
        if not writer.isdecimal() or ProcessIdentity.of(int(writer)) is None:
            path.unlink(missing_ok=True)


def entries(sort: str, model: type[T]) -> Iterator[tuple[Path, T]]:
    """All readable entries of one ``sort``, oldest name first."""
    for path in sorted(state_folder(sort).glob("*.json")):
        entry = read_entry(path, model)
        if entry is not None:
            yield path, entry


def _started(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            dead = process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
            began = process.create_time()
    except psutil.Error:  # gone, or somebody else's who lets nobody look
        return None
    if dead:
        return None
    if sys.platform != "linux":
        return repr(began)
    # psutil adds the time of the boot, which is another one as soon as the clock is set.
    ticks = round((began - psutil.boot_time()) * os.sysconf("SC_CLK_TCK"))
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{ticks}"
