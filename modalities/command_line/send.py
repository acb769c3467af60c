"""``send``: C-STORE of files, folders or a simulated study."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dicom.datasets.uids import uid_of
from dicom.dimse.storing import Progress
from dicom.errors import UsageError
from dicom.ladder import ObjectReport
from dicom.tracing.pdu_words import name_of
from modalities import families
from modalities.command_line import subcommand
from modalities.command_line.carrying_out import OBSERVER, conclude, sendable
from modalities.command_line.options import add_scu_options, caller_of, positive, target_of
from modalities.command_line.progress import progress
from modalities.command_line.study_options import Arguments, add_study_options, study_of
from modalities.command_line.words import say
from modalities.commands import Report
from modalities.generation import write_files
from modalities.misbehaviour.act import parse_act
from modalities.misbehaviour.alteration import parse as parse_alteration
from modalities.services.store import ProposedContext, Store, store, store_as_made


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", type=Path, help="DICOM files or folders of them")
    add_study_options(parser, default=None)
    parser.add_argument(
        "--associations", type=positive, default=1, help="that share the files (%(default)s)"
    )
    parser.add_argument(
        "--alter",
        action="append",
        default=[],
        metavar="WHAT",
        help="spoil every object on its way out, such as 'remove PatientID'",
    )
    parser.add_argument(
        "--misbehave", metavar="HOW", help="spoil the conversation, such as 'abort 5000'"
    )
    add_scu_options(parser)


@subcommand("send", help="C-STORE files, folders or a simulated study", configure=_configure)
def _run(options: argparse.Namespace) -> int:
    parts = study_of(options, None)
    if bool(parts) == bool(options.files):
        raise UsageError(
            "expected DICOM files or folders, or --family, such as --family CT; saw"
            f" {'both' if parts else 'neither, so there is nothing to send'}"
        )
    paths = sendable(options.files) if options.files else []
    total = len(paths) or options.images * len(parts)
    command = Store(
        target=target_of(options),
        caller=caller_of(options),
        files=tuple(map(str, paths)),
        contexts=_contexts(parts) if parts else None,
        associations=options.associations,
        alterations=tuple(map(parse_alteration, options.alter)),
        misbehave=parse_act(options.misbehave) if options.misbehave else None,
    )
    with progress("sending", total=total) as advance:
        done = 0

        def sent(report: ObjectReport) -> None:
            nonlocal done
            done += 1
            say(f"{done}/{total} {_words(report)}")
            advance()

        if parts:
            report = _send_simulated(command, parts, sent)
        else:
            report = store(command, Path.cwd(), OBSERVER, sent)
    return conclude(report, options)


def _send_simulated(command: Store, parts: list[Arguments], sent: Progress) -> Report:
    """Each object is made while the one before is on its way, and gone once it is sent."""
    with tempfile.TemporaryDirectory(prefix="pacslab-send-") as folder:

        def made() -> Iterator[Path]:
            for part in parts:
                for path in write_files(Path(folder), **part):
                    yield path
                    path.unlink()

        return store_as_made(command, made(), Path.cwd(), OBSERVER, sent)


def _contexts(parts: list[Arguments]) -> tuple[ProposedContext, ...]:
    return tuple(
        ProposedContext(
            abstract_syntax=families.named(part["family"]).sop_class,
            transfer_syntaxes=(uid_of(part["transfer_syntax"]),),
        )
        for part in parts
    )


def _words(report: ObjectReport) -> str:
    what = f"{name_of(report.sop_class_uid)} in {name_of(report.transfer_syntax_uid)}"
    outcome = "sent" if report.outcome.succeeded else report.outcome
    return f"{Path(report.file).name}: {outcome} ({what}) {report.comment}"
