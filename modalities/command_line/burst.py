"""``burst``: load, watched and summed up."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from pynetdicom.status import code_to_category
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from dicom.dimse.scu import tls_of
from dicom.errors import UsageError
from modalities import families
from modalities.burst.dealing import deal, simulated
from modalities.burst.load import Burst, BurstProgress
from modalities.burst.objects import StorageObject, Stream, from_file
from modalities.burst.peek import peek
from modalities.burst.report import AssociationReport, BurstReport
from modalities.command_line import DONE, STOPPED, subcommand
from modalities.command_line.options import add_scu_options, caller_of, positive, target_of
from modalities.command_line.words import complain, say

_OBJECTS: Final = 100
#: Where no terminal shows a bar, a line for each of so many parts of the whole.
_LINES: Final = 10
#: What takes more than this share of the associations' time is what limits the burst.
_LIMITS: Final = 0.5


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", type=Path, help="DICOM files or folders of them")
    known = ", ".join(families.names())
    parser.add_argument("--family", help=f"send simulated studies, one per association: {known}")
    parser.add_argument("--associations", type=positive, default=1, metavar="N", help="(1)")
    often = parser.add_mutually_exclusive_group()
    often.add_argument(
        "--objects",
        type=positive,
        metavar="M",
        help=f"on each association; files are sent again and again ({_OBJECTS} of a family)",
    )
    often.add_argument("--repeat", type=positive, default=1, help="send each file so often (1)")
    parser.add_argument("--seed", type=int, default=1, help="of the first simulated study (1)")
    add_scu_options(parser, trace=False)


@subcommand(
    "burst", help="C-STORE as fast as the peer takes it, on many associations", configure=_configure
)
def _run(options: argparse.Namespace) -> int:
    target = target_of(options)
    burst = Burst(
        target,
        caller_of(options),
        _streams(options),
        tls=tls_of(target, Path.cwd()),
        associations=options.associations,
    )
    with _stopped_by_signals(burst), _watching() as watch:
        report = burst.run(watch)
    return _conclude(report)


def _streams(options: argparse.Namespace) -> list[Stream]:
    if options.family is not None:
        if options.files or options.repeat > 1:
            raise UsageError(
                "expected files (with --repeat) or --family (with --objects), saw both"
            )
        objects = options.objects or _OBJECTS
        return simulated(options.family, options.associations, objects, options.seed)
    items = list(_items(options.files))
    if not items:
        raise UsageError("nothing to send; name DICOM files or folders, or --family CT")
    return deal(items, options.associations, objects=options.objects, repeat=options.repeat)


def _items(names: Sequence[Path]) -> Iterator[StorageObject]:
    """Files named, and those below folders named that are DICOM files."""
    for name in names:
        if not name.is_dir():
            yield from_file(peek(name))
            continue
        for path in sorted(path for path in name.rglob("*") if path.is_file()):
            try:
                yield from_file(peek(path))
            except UsageError as error:
                complain(f"left out: {error}")


@contextmanager
def _stopped_by_signals(burst: Burst) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the burst: in order at first, at once the second time."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        burst.stop()

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@contextmanager
def _watching() -> Iterator[Callable[[BurstProgress], None]]:
    """Show progress: a bar on a terminal, some lines elsewhere."""
    console = Console()
    if not console.is_terminal:
        yield _lines()
        return
    columns = (TextColumn("{task.fields[speed]}"), TimeRemainingColumn())
    bar = Bar(BarColumn(), MofNCompleteColumn(), *columns, console=console)
    try:
        task = bar.add_task("burst", total=None, speed="")

        def show(progress: BurstProgress) -> None:
            speed = f"{progress.objects_per_second:,.0f} objects/s"
            bar.start()  # not before: it starts a thread, and the burst forks first
            bar.update(task, total=progress.planned, completed=progress.objects, speed=speed)

        yield show
    finally:
        bar.stop()


def _lines() -> Callable[[BurstProgress], None]:
    said = 0

    def tell(progress: BurstProgress) -> None:
        nonlocal said
        part = progress.objects * _LINES // max(progress.planned, 1)
        if said < part < _LINES:
            said = part
            speed = f"{progress.objects_per_second:.0f} objects/s"
            say(f"{progress.objects}/{progress.planned} objects, {speed}")

    return tell


def _conclude(report: BurstReport) -> int:
    say(
        f"{report.answered} of {report.planned} objects answered in {report.seconds:.2f} s:"
        f" {report.objects_per_second:.1f} objects/s, {report.megabytes_per_second:.1f} MB/s"
    )
    for outcome, count in report.outcomes.items():
        say(f"  {count} {_in_words(outcome)}")
    if report.responses is not None:
        median, most, longest = (1000 * seconds for seconds in report.responses.all)
        say(
            f"  response after {median:.2f} ms (median), {most:.2f} ms (95 %),"
            f" {longest:.2f} ms (longest)"
        )
    for share, what in ((report.waiting, "the peer's answers"), (report.making, "making objects")):
        if share > _LIMITS:
            say(f"  {what} took {share:.0%} of the time: that is what limits")
    failure = report.first_failure
    if failure is not None:
        what = "" if isinstance(failure, AssociationReport) else f" ({failure.file})"
        words = f"{failure.outcome} {failure.comment}".rstrip()
        complain(f"stopped at {words}{what}")
    elif report.stopped:
        complain("stopped by the user")
    return DONE if failure is None and not report.stopped else STOPPED


def _in_words(outcome: str) -> str:
    if outcome.startswith("0x"):
        return f"{outcome} {code_to_category(int(outcome, 16)).lower()}"
    return outcome
