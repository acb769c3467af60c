"""The record of a run on disk: ``run.json`` for people and programs, bulky evidence in files.

``run.json`` is a ``RunResult`` whose PDU traces, log lines and long object lists are cut short;
all of them are whole in ``cells/<cell>/evidence/<phase>/``. Reading puts them together again.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from dicom.ladder import ObjectReport
from dicom.tracing.trace import AssociationTrace
from orchestrator.errors import EnvironmentProblemError, InputError
from orchestrator.evidence.pdu import render
from orchestrator.model.results import SCHEMA_VERSION, CellResult, LogLines, PhaseResult, RunResult
from orchestrator.records.folders import RECORD, point_latest

#: Objects of a phase that ``run.json`` lists itself.
_LISTED_OBJECTS: Final = 20
_TRACES: Final = TypeAdapter(tuple[AssociationTrace, ...])
_OBJECTS: Final = TypeAdapter(tuple[ObjectReport, ...])
T = TypeVar("T")


def write_cell(folder: Path, cell: CellResult) -> CellResult:
    """Write the bulky evidence of a finished cell below its run's ``folder``.

    Returns:
        The cell as ``run.json`` has it: stubs that count what is in the files.

    Raises:
        OSError: it can't be written.
    """
    try:
        phases = tuple(
            _put_aside_phase(_phase_folder(folder, cell, phase), phase) for phase in cell.phases
        )
    except OSError:
        # Half a file is worse than none: it would make the whole record unreadable.
        for phase in cell.phases:
            shutil.rmtree(_phase_folder(folder, cell, phase), ignore_errors=True)
        raise
    return cell.model_copy(update={"phases": phases})


def without_evidence(cell: CellResult) -> CellResult:
    """The cell as ``run.json`` has it where its evidence can't be kept."""
    return cell.model_copy(update={"phases": tuple(_stub(phase) for phase in cell.phases)})


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
        stored = result.model_copy(update={"cells": cells})
        record = folder / RECORD
        partial = folder / f".{RECORD}"
        with partial.open("w", encoding="utf-8") as file:
            file.write(as_json(stored))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(record)
    except OSError as error:
        with suppress(OSError):
            (folder / f".{RECORD}").unlink(missing_ok=True)
        raise EnvironmentProblemError(
            f"cannot write the record below {folder}: {error.strerror or error}."
            " Free some space, or give a folder you may write with --runs."
        ) from error
    # The record is there. Where nothing can lead to it (somebody's folder called `latest`), the
    # newest one is found by its name.
    with suppress(OSError):
        point_latest(folder)
    return record


def as_json(result: RunResult) -> str:
    """``result`` as JSON text with the keys of the published schema."""
    return result.model_dump_json(indent=1, by_alias=True) + "\n"


def load_run(path: Path) -> RunResult:
    """Read a record: ``path`` is a run's folder or its ``run.json``.

    A record of a newer minor version is read without what this version does not know.

    Raises:
        InputError: there is none, it is damaged, or its schema has another major version.
    """
    file = path / RECORD if path.is_dir() else path
    try:
        content = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"{file} does not exist: the run is still going on, or was killed before it could"
            " write its record. What it left lies beside it."
        ) from None
    except ValueError as error:
        raise InputError(f"{file} is not JSON ({error}); expected a record of a run.") from error
    result = _validate(file, content)
    cells = tuple(_fetch_back(file.parent, cell) for cell in result.cells)
    return result.model_copy(update={"cells": cells})


def cell_folder(run_folder: Path, cell: CellResult) -> Path:
    """Where a cell's files are."""
    return run_folder / (cell.folder or f"cells/{cell.cell.slug}")


def _validate(file: Path, content: Any) -> RunResult:
    version = content.get("schema_version") if isinstance(content, dict) else None
    parts = version.split(".") if isinstance(version, str) else []
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise InputError(f"{file}: schema_version is {version!r}; expected one like '1.0'.")
    major, minor = (int(part) for part in SCHEMA_VERSION.split("."))
    if int(parts[0]) != major:
        raise InputError(
            f"{file}: its schema has version {version}, this pacslab reads {major}.x."
            " Read it with the pacslab that wrote it (its version is in the key 'pacslab')."
        )
    try:
        return RunResult.model_validate(content)
    except ValidationError as error:
        if int(parts[1]) > minor:
            for problem in error.errors():
                if problem["type"] == "extra_forbidden":
                    _drop(content, problem["loc"])
        try:
            return RunResult.model_validate(content)
        except ValidationError as second:
            first = second.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            raise InputError(f"{file}: {where}: {first['msg']}; the record is damaged.") from second


def _drop(content: Any, location: tuple[int | str, ...]) -> None:
    for step in location[:-1]:
        content = content[step]
    del content[location[-1]]


def _phase_folder(run_folder: Path, cell: CellResult, phase: PhaseResult) -> Path:
    return cell_folder(run_folder, cell) / "evidence" / phase.name


def _put_aside_phase(folder: Path, phase: PhaseResult) -> PhaseResult:
    """Write the bulk of ``phase`` below ``folder``; returns it with stubs that count the bulk."""
    objects = phase.observation.objects
    if not (phase.traces or phase.logs or len(objects) > _LISTED_OBJECTS):
        return phase
    folder.mkdir(parents=True, exist_ok=True)
    for log in phase.logs:
        text = "".join(f"{line}\n" for line in log.lines)
        _log_path(folder, log.role).write_bytes(text.encode("utf-8", "replace"))
    if phase.traces:
        (folder / "traces.json").write_bytes(_TRACES.dump_json(phase.traces, indent=1))
        text = "\n\n".join(render(trace) for trace in phase.traces)
        (folder / "traces.txt").write_bytes(text.encode("utf-8", "replace"))
    if len(objects) > _LISTED_OBJECTS:
        (folder / "objects.json").write_bytes(_OBJECTS.dump_json(objects, indent=1))
    return _stub(phase)


def _stub(phase: PhaseResult) -> PhaseResult:
    """``phase`` without its bulk, which is only counted."""
    observation = phase.observation
    return phase.model_copy(
        update={
            "observation": observation.model_copy(
                update={"objects": observation.objects[:_LISTED_OBJECTS]}
            ),
            "logs": tuple(
                LogLines(role=log.role, lines=(), omitted=log.omitted + len(log.lines))
                for log in phase.logs
            ),
            "traces": tuple(
                trace.model_copy(update={"pdus": (), "omitted": trace.omitted + len(trace.pdus)})
                for trace in phase.traces
            ),
        }
    )


def _fetch_back(run_folder: Path, cell: CellResult) -> CellResult:
    phases = tuple(
        _fetch_back_phase(_phase_folder(run_folder, cell, phase), phase) for phase in cell.phases
    )
    return cell.model_copy(update={"phases": phases})


def _fetch_back_phase(folder: Path, phase: PhaseResult) -> PhaseResult:
    """``phase`` with its bulk; the stub of a deleted file stays and counts what is gone."""
    objects = phase.observation.objects
    observation = phase.observation.model_copy(
        update={"objects": _read(folder / "objects.json", _OBJECTS.validate_json, objects)}
    )
    return phase.model_copy(
        update={
            "observation": observation,
            "logs": tuple(_fetch_back_log(_log_path(folder, log.role), log) for log in phase.logs),
            "traces": _read(folder / "traces.json", _TRACES.validate_json, phase.traces),
        }
    )


def _fetch_back_log(path: Path, stub: LogLines) -> LogLines:
    lines: tuple[str, ...] = _read(path, _lines, ())
    return LogLines(role=stub.role, lines=lines, omitted=stub.omitted - len(lines))


def _log_path(folder: Path, role: str) -> Path:
    return folder / (re.sub(r"[^\w.-]", "-", role) + ".log")


def _lines(content: bytes) -> tuple[str, ...]:
    # Not splitlines(), which also splits where a log line holds a form feed or the like.
    return tuple(content.decode().split("\n")[:-1])


def _read(path: Path, parse: Callable[[bytes], T], otherwise: T) -> T:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return otherwise
    try:
        return parse(content)
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}") from error
