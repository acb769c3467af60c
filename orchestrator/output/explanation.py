"""Why a cell was not as declared: what was expected, what was seen, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Final

from dicom.ladder import ObjectReport
from dicom.tracing.trace import AssociationTrace
from orchestrator.judging.words import describe
from orchestrator.model.results import CellResult, LogLines, PhaseResult

#: Lines shown of each log and PDUs of each association; the record has all of them.
_LOG_LINES: Final = 6
_PDUS: Final = 8
_ASSOCIATIONS: Final = 2
_DETAILS: Final = 10
_FILES: Final = 4


def explain(result: CellResult) -> list[str]:
    """Plain lines, without the cell's name, for the terminal and for JUnit."""
    unmet = [phase for phase in result.phases if not phase.met]
    told_below = {phase.difference for phase in unmet}
    lines = [line for line in result.reason.splitlines() if line not in told_below]
    for phase in unmet:
        lines.extend(_phase(phase))
    return lines


def _phase(phase: PhaseResult) -> Iterator[str]:
    observation = phase.observation
    yield f"{phase.name}:"
    yield f"  expected  {' or '.join(phase.expected.words) or 'nothing declared'}"
    if phase.expected.why:
        yield f"            because {phase.expected.why}"
    yield f"  seen      {observation.words}"
    if observation.comment:
        yield f"            {observation.comment}"
    for line in _some(observation.details, _DETAILS):
        yield f"            {line}"
    yield from _objects(observation.objects)
    for change in phase.changes:
        yield f"  changed   {change}"
    for line in phase.in_place:
        yield f"  in place  {line}"
    for trace in phase.traces[-_ASSOCIATIONS:]:
        yield from _association(trace)
    for log in phase.logs:
        yield from _log(log)


def _objects(objects: tuple[ObjectReport, ...]) -> Iterator[str]:
    """Objects that were not taken, by reason, each with the first files it concerns."""
    refused: dict[str, list[str]] = {}
    for each in objects:
        if not each.outcome.succeeded:
            words = describe(each.outcome, "store")
            refused.setdefault(words, []).append(PurePath(each.file).name)
    if refused and len(objects) > 1:
        taken = len(objects) - sum(len(files) for files in refused.values())
        yield f"  objects   {taken} of {len(objects)} taken"
        for words, files in refused.items():
            more = f" and {len(files) - _FILES} more" if len(files) > _FILES else ""
            yield f"            {len(files)} x {words}: {', '.join(files[:_FILES])}{more}"


def _association(trace: AssociationTrace) -> Iterator[str]:
    earlier = max(0, len(trace.pdus) - _PDUS) + trace.omitted
    before = f", {earlier} earlier PDUs left out" if earlier else ""
    yield (
        f"  PDUs      {trace.requestor} → {trace.acceptor}, seen by {trace.observer},"
        f" ended: {trace.end}{before}"
    )
    for pdu in trace.pdus[-_PDUS:]:
        yield f"            {pdu.at:8.3f} s  {pdu.sender:<9}  {pdu.summary or pdu.kind}"


def _log(log: LogLines) -> Iterator[str]:
    if not log.lines:
        return
    earlier = max(0, len(log.lines) - _LOG_LINES) + log.omitted
    yield f"  log       {log.role}" + (f" (last lines, {earlier} left out)" if earlier else "")
    for line in log.lines[-_LOG_LINES:]:
        yield f"            {line}"


def _some(lines: tuple[str, ...], limit: int) -> Iterator[str]:
    yield from lines[:limit]
    if len(lines) > limit:
        yield f"… and {len(lines) - limit} more"
