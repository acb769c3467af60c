"""``listen``: a workstation or, with a worklist or MPPS, a RIS."""

from __future__ import annotations

import argparse
from pathlib import Path

from dicom.workflow.procedure_steps import MppsRules
from modalities.command_line import DONE, subcommand
from modalities.command_line.options import add_tls_options, port, tls_of
from modalities.command_line.words import say, until_told_to_stop
from modalities.commands import Report
from modalities.nodes.node import ModalityNode
from modalities.scp.behaviour import WorklistRules
from modalities.services.listen import Listen, Received


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--aetitle", default="WORKSTATION", help="own title (%(default)s)")
    parser.add_argument("--port", type=port, default=11112, help="0 for any (%(default)s)")
    parser.add_argument("--bind", default="127.0.0.1", help="address to bind (%(default)s)")
    parser.add_argument(
        "--check-called", action="store_true", help="reject other called titles (1/1/7)"
    )
    parser.add_argument(
        "--worklist", type=Path, metavar="YAML", help="offer these scheduled procedure steps"
    )
    parser.add_argument("--mpps", action="store_true", help="take performed procedure steps")
    add_tls_options(parser)


@subcommand(
    "listen", help="receive what modalities send, and list it at the end", configure=_configure
)
def _run(options: argparse.Namespace) -> int:
    node = ModalityNode(options.aetitle, Path.cwd(), bind=options.bind)
    command = Listen(
        aetitle=options.aetitle,
        port=options.port,
        called_aetitles=(options.aetitle,) if options.check_called else None,
        worklist=WorklistRules(file=str(options.worklist)) if options.worklist else None,
        mpps=MppsRules() if options.mpps else None,
        tls=tls_of(options),
    )
    bound = node.run(command).port
    try:
        say(f"{options.aetitle} listens on {options.bind}:{bound}; Ctrl-C ends it")
        until_told_to_stop()
        _sum_up(node.run(Received()))
    finally:
        node.stop()
    return DONE


def _sum_up(report: Report) -> None:
    for instance in report.received:
        held = instance.fingerprint
        say(f"{held.sop_instance_uid} from {instance.calling_aetitle}, digest {held.digest}")
    for step in report.performed:
        say(f"performed procedure step {step.sop_instance_uid}: {step.status}")
    say(f"{len(report.received)} received on {len(report.traces)} connections")
