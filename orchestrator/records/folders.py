"""Folders of runs: made, found, and pruned.

``runs/<UTC time>-<id>/`` holds one run; ``runs/latest`` leads to the newest.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from dicom.registry import unknown_word
from orchestrator.errors import EnvironmentProblemError, InputError
from orchestrator.machine.processes import live_runs, register_run, unregister_run

LATEST: Final = "latest"
RECORD: Final = "run.json"
#: Records kept by ``prune`` unless told otherwise.
KEPT_RUNS: Final = 20
#: A run's id, or the start of one that says at least the day: ``20260131T``.
RUN_NAME: Final = re.compile(r"^\d{8}T(\d{6}Z(-[0-9a-f]{0,6})?|\d{0,5})$")
_WHOLE_NAME: Final = re.compile(r"^\d{8}T\d{6}Z-[0-9a-f]{6}$")


def new_run(runs: Path) -> Path:
    """Make the folder of a new run and enter the run as live; the folder's name is the run's id.

    Raises:
        EnvironmentProblemError: ``runs`` can't be written.
    """
    while True:
        folder = runs / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            if not runs.is_dir():
                raise EnvironmentProblemError(
                    f"{runs} is not a folder; records can't be kept there. Give another --runs."
                ) from None
            continue
        except OSError as error:
            raise EnvironmentProblemError(
                f"cannot make the run's folder {folder}: {error.strerror}."
                " Give a folder you may write with --runs, or free some space."
            ) from error
        try:
            register_run(folder.name)
        except EnvironmentProblemError:
            folder.rmdir()
            raise
        return folder


def run_over(folder: Path) -> None:
    """Say that nothing writes to this run's folder any more; idempotent."""
    unregister_run(folder.name)


def run_folders(runs: Path) -> Iterator[Path]:
    """The folders of all runs below ``runs``, newest first; nothing else that lies there."""
    if not runs.is_dir():
        return
    for folder in sorted(runs.iterdir(), reverse=True):
        if _WHOLE_NAME.match(folder.name) and folder.is_dir() and not folder.is_symlink():
            yield folder


def point_latest(folder: Path) -> None:
    """Make ``latest`` beside ``folder`` lead to it: a link, or a file with its name.

    Raises:
        OSError: it can't be made, or something else is called ``latest``.
    """
    latest = folder.parent / LATEST
    fresh = folder.parent / f".{LATEST}.{folder.name}"
    fresh.unlink(missing_ok=True)
    try:
        try:
            fresh.symlink_to(folder.name, target_is_directory=True)
        except OSError:  # Windows without the privilege, or a file system without links
            fresh.write_text(folder.name + "\n", encoding="utf-8")
        fresh.replace(latest)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def find_run(runs: Path, name: str = LATEST) -> Path:
    """The folder of the run called ``name``: its id, the unique start of one, or ``latest``.

    Raises:
        InputError: there is no such run, or several begin like that.
    """
    folders = list(run_folders(runs))
    if name == LATEST:
        latest = runs / LATEST
        if latest.is_file():
            name = latest.read_text(encoding="utf-8").strip()
        elif latest.is_dir() and _WHOLE_NAME.match(latest.resolve().name):
            return latest.resolve()
        elif folders:
            return folders[0]
        else:
            raise InputError(f"there is no run in {runs} yet; 'pacslab run NAME' makes one.")
    found = [folder for folder in folders if folder.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    names = tuple(folder.name for folder in found or folders)
    if found:
        raise InputError(f"{len(found)} runs begin with {name!r}: {', '.join(names)}")
    raise InputError(unknown_word("run", name, names) + f" (looked in {runs})")


def prune(runs: Path, keep: int = KEPT_RUNS) -> list[Path]:
    """Remove the oldest records beyond ``keep``; returns the folders removed.

    Never the newest record in which something was not as expected, and never a live run.
    """
    folders = list(run_folders(runs))
    live = live_runs()
    ended = (folder for folder in folders if folder.name not in live)
    last_failing = next((folder for folder in ended if _failed(folder)), None)
    removed = []
    for folder in folders[keep:]:
        if folder != last_failing and folder.name not in live:
            shutil.rmtree(folder, ignore_errors=True)
            removed.append(folder)
    return removed


def _failed(folder: Path) -> bool:
    """Whether the record of a run that is not live tells of a failure.

    It is read without its model, since it may be of another version.
    """
    try:
        record = json.loads((folder / RECORD).read_bytes())
        verdicts = {cell["verdict"] for cell in record["cells"]}
        cut_short = record.get("interrupted") or record.get("state") == "running"
        return bool(cut_short) or bool(verdicts - {"pass", "unsupported"})
    except (OSError, ValueError, KeyError, TypeError):
        return False
