"""The bulk of a record in files of its own: PDU traces, log lines and long lists of objects.

``run.json`` has stubs that count what is whole in ``cells/<cell>/evidence/<phase>/``.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from pydantic import TypeAdapter

from dicom.ladder import ObjectReport
from dicom.tracing.trace import AssociationTrace
from orchestrator.errors import InputError
from orchestrator.evidence.pdu import render
from orchestrator.model.results import CellResult, LogLines, PhaseResult

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


def cell_folder(run_folder: Path, cell: CellResult) -> Path:
    """Where a cell's files are."""
    return run_folder / (cell.folder or f"cells/{cell.cell.slug}")


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


def fetch_back(run_folder: Path, cell: CellResult) -> CellResult:
    """A cell of ``run.json`` with its bulk; what was deleted stays counted as left out.

    Raises:
        InputError: a file is damaged.
    """
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
