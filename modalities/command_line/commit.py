"""``commit``: storage commitment of files that were sent."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from modalities.command_line import STOPPED, subcommand
from modalities.command_line.carrying_out import OBSERVER, carry_out, conclude, sendable
from modalities.command_line.options import add_scu_options, caller_of, port, target_of
from modalities.command_line.words import complain, say
from modalities.nodes.reception import Reception
from modalities.services.commit import Commit
from modalities.services.listen import Listen

_WAIT: Final = 30.0


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, help="DICOM files or folders of them")
    parser.add_argument(
        "--port",
        type=port,
        metavar="PORT",
        help="listen here, as --calling, for a result on an association of the peer's own",
    )
    parser.add_argument("--bind", default="127.0.0.1", help="address to bind (%(default)s)")
    parser.add_argument("--wait", type=float, default=_WAIT, help="for the result, s (%(default)s)")
    add_scu_options(parser)


@subcommand("commit", help="ask for storage commitment of files", configure=_configure)
def _run(options: argparse.Namespace) -> int:
    command = Commit(
        target=target_of(options),
        caller=caller_of(options),
        files=tuple(map(str, sendable(options.files))),
        wait=options.wait,
    )
    reception = Reception(OBSERVER, options.bind)
    try:
        if options.port is not None:
            listen = Listen(aetitle=options.calling, port=options.port, storage=False)
            reception.listen(listen, Path.cwd())
        report = carry_out(command, reception)
    finally:
        reception.stop()
    code = conclude(report, options)
    result = report.commitment
    if result is None:
        return code
    for instance in result.committed:
        say(f"{instance} committed")
    for instance, reason in result.failed.items():
        complain(f"{instance} not committed: failure reason 0x{reason:04X}")
    return STOPPED if result.failed else code
