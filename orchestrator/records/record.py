"""The record of a run on disk: ``run.json`` for people and programs, bulky evidence in files.

``run.json`` is a ``RunResult`` whose PDU traces, log lines and long object lists are cut short.
Reading puts them together again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from orchestrator.errors import EnvironmentProblemError, InputError
from orchestrator.machine.processes import live_runs
from orchestrator.model.results import CellResult, RunResult
from orchestrator.records.evidence_files import fetch_back, write_cell
from orchestrator.records.folders import RECORD, point_latest
from orchestrator.records.versions import parse


def write_run(
    folder: Path, result: RunResult, written: Mapping[str, CellResult] | None = None
) -> Path:
    """Write the record of ``result`` into its run's ``folder`` and make ``latest`` lead there.

    Evidence is written first and ``run.json`` last and at once: whoever finds it finds all.

    Args:
        folder: the run's folder.
        result: the whole result.
        written: what ``write_cell`` returned for cells that it has written already, by slug.

    Returns:
        The path of ``run.json``.

    Raises:
        EnvironmentProblemError: it can't be written (a full disk, a missing permission).
    """
    try:
        done = written or {}
        cells = tuple(done.get(cell.cell.slug) or write_cell(folder, cell) for cell in result.cells)
        replace_record(folder, result.model_copy(update={"cells": cells}))
    except OSError as error:
        raise EnvironmentProblemError(
            f"cannot write the record below {folder}: {error.strerror or error}."
            " Free some space, or give a folder you may write with --runs."
        ) from error
    # The record is there. Where nothing can lead to it (somebody's folder called `latest`), the
    # newest one is found by its name.
    with suppress(OSError):
        point_latest(folder)
    return folder / RECORD


def replace_record(folder: Path, stored: RunResult) -> None:
    """Put ``stored`` in the place of ``run.json``, whole or not at all.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    partial = folder / f".{RECORD}"
    try:
        with partial.open("w", encoding="utf-8") as file:
            file.write(as_json(stored))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(folder / RECORD)
    except OSError:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def as_json(result: RunResult) -> str:
    """``result`` as JSON text with the keys of the published schema."""
    return result.model_dump_json(indent=1, by_alias=True) + "\n"


def load_run(path: Path) -> RunResult:
    """Read a record: ``path`` is a run's folder or its ``run.json``.

    A record of a newer minor version is read without what this version does not know.

    Raises:
        InputError: there is none, it is damaged, or its schema has an unknown major version.
    """
    file = path / RECORD if path.is_dir() else path
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"{file} does not exist, and a run writes it before its first cell: it had no room"
            " for it, or a pacslab that recorded only whole runs was killed. What the run left"
            " lies beside it."
        ) from None
    except ValueError as error:
        raise InputError(f"{file} is not JSON ({error}); expected a record of a run.") from error
    result = parse(file, content)
    cells = tuple(fetch_back(file.parent, cell) for cell in result.cells)
    was_killed = result.state == "running" and result.run not in live_runs()
    state = "killed" if was_killed else result.state
    return result.model_copy(update={"cells": cells, "state": state})
