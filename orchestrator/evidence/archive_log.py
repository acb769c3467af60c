"""The part of a node's log that belongs to one phase, and the lines of it that matter."""

from __future__ import annotations

import re
from typing import Final

from orchestrator.model.results import LogLines

_MOST_LINES: Final = 200
_LONGEST_LINE: Final = 600
#: So many lines at the end of the earlier text are enough to recognise where it ended.
_ANCHOR_LINES: Final = 3

#: A line that reports trouble. Orthanc puts the level first (``E1124 04:14:14.12``), WildFly and
#: the profile archive put it after the time.
_TROUBLE: Final = re.compile(r"^[EWF]\d{4} |\b(ERROR|WARN(ING)?|FATAL|SEVERE|CRITICAL)\b")
#: A line about what DICOM nodes say to each other.
_EXCHANGE: Final = re.compile(
    r"associat|reject|abort|A-[A-Z]+-R[QPJ]|[CN]-(STORE|ECHO|FIND|MOVE|GET|ACTION|EVENT)"
    r"|AE ?title|\bAET\b|modalit|calling|called|presentation context|transfer syntax|SOP"
    r"|\bTLS\b|\bSSL\b|certificate|connect|timeout|timed out|refused|unreachable|Exception",
    re.IGNORECASE,
)
#: The body of a Java stack trace: the exception's own line says what it is.
_STACK_FRAME: Final = re.compile(r"^\s+(at |\.\.\. \d+ )")


def log_window(before: str, after: str) -> tuple[str, ...]:
    """Lines of ``after`` that were written since the log read ``before``.

    A log normally grows. One that was started afresh (the node was recreated) is taken whole;
    one that has lost its beginning (rotated, bounded) is taken from where ``before`` ended. A
    line that was half written then is given whole.
    """
    if after.startswith(before):
        start = before.rfind("\n") + 1
        grown = after[start:] if len(after) > len(before) else ""
        return tuple(grown.splitlines())
    anchor = "\n".join(before.splitlines()[-_ANCHOR_LINES:])
    position = after.rfind(anchor) if anchor.strip() else -1
    if position < 0:
        return tuple(after.splitlines())
    return tuple(after[position + len(anchor) :].lstrip("\r\n").splitlines())


def lines_that_matter(lines: tuple[str, ...], most: int = _MOST_LINES) -> tuple[str, ...]:
    """At most ``most`` of ``lines``, in their order: trouble first, then DICOM, then the rest.

    Among lines of equal weight the earlier ones stay: the first complaint is the cause.
    """
    if len(lines) <= most:
        return lines
    by_weight = sorted(range(len(lines)), key=lambda index: _weight(lines[index]))
    return tuple(lines[index] for index in sorted(by_weight[:most]))


def log_lines(role: str, before: str, after: str, most: int = _MOST_LINES) -> LogLines:
    """What ``role`` logged between two readings of its log, trimmed for the record.

    ``omitted`` counts the lines that were left out; long lines are cut and end with ``…``.
    """
    written = log_window(before, after)
    kept = lines_that_matter(written, most)
    return LogLines(
        role=role,
        lines=tuple(_shortened(line) for line in kept),
        omitted=len(written) - len(kept),
    )


def _weight(line: str) -> int:
    if _STACK_FRAME.match(line):
        return 3
    if _TROUBLE.search(line):
        return 0
    return 1 if _EXCHANGE.search(line) else 2


def _shortened(line: str) -> str:
    return line if len(line) <= _LONGEST_LINE else line[: _LONGEST_LINE - 1] + "…"
