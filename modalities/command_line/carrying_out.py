"""What a command line asks of a node: services carried out in this process."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from dicom.datasets.part10 import inspect
from dicom.errors import UsageError
from modalities.command_line import DONE, STOPPED
from modalities.command_line.words import complain, say
from modalities.commands import Command, Report
from modalities.nodes import service
from modalities.nodes.reception import Reception
from modalities.nodes.service import OwnNode

OBSERVER: Final = "modality"


def carry_out(command: Command, reception: Reception | None = None) -> Report:
    """Carry ``command`` out in this process, with paths relative to the current folder.

    Raises:
        UsageError: it can't be carried out as written.
    """
    own = reception or Reception(OBSERVER, "127.0.0.1")
    return service.carry_out(command, OwnNode(OBSERVER, Path.cwd(), own))


def conclude(report: Report, options: argparse.Namespace) -> int:
    """Say how it went, with every PDU where ``--trace`` asks for them; returns the exit code."""
    if options.trace:
        for trace in report.traces:
            for pdu in trace.pdus:
                say(f"  {pdu.at:9.4f} {pdu.sender:9} {pdu.kind}  {pdu.summary}")
            say(f"  connection {trace.end}")
    if report.outcome.succeeded:
        say(f"carried out {report.comment}")
        return DONE
    complain(f"stopped at {report.outcome} {report.comment}".rstrip())
    return STOPPED


def sendable(names: Sequence[Path]) -> list[Path]:
    """Files named, and those below folders named that are DICOM files.

    Raises:
        UsageError: there are none.
    """
    paths: list[Path] = []
    for name in names:
        if not name.is_dir():
            paths.append(name.resolve())
            continue
        for path in sorted(path for path in name.rglob("*") if path.is_file()):
            try:
                inspect(path)
            except UsageError as error:
                complain(f"left out: {error}")
            else:
                paths.append(path.resolve())
    if not paths:
        raise UsageError(
            f"there is no DICOM file below {', '.join(map(str, names))}; name other files or"
            " folders"
        )
    return paths
