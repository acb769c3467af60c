"""``node``: the main process of a node in a container."""

from __future__ import annotations

import argparse
from pathlib import Path

from dicom.errors import UsageError
from modalities.command_line import DONE, subcommand
from modalities.command_line.options import port
from modalities.command_line.words import say, until_told_to_stop
from modalities.nodes.node import ModalityNode, serve


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", required=True, help="role name, as it stands in traces")
    parser.add_argument("--exchange", required=True, type=Path, help="folder shared with the lab")
    parser.add_argument("--control-port", required=True, type=port, metavar="PORT")
    parser.add_argument("--bind", default="127.0.0.1", help="address to bind (%(default)s)")


@subcommand("node", help="run a node that a control channel drives", configure=_configure)
def _run(options: argparse.Namespace) -> int:
    node = ModalityNode(options.name, options.exchange, bind=options.bind)
    try:
        control = serve(node, options.name, host=options.bind, port=options.control_port)
    except OSError as error:
        raise UsageError(
            f"control channel can't listen on {options.bind}:{options.control_port}: {error}"
        ) from error
    say(f"{options.name}: control channel on {options.bind}:{control.port}")
    until_told_to_stop()
    control.stop()
    node.stop()
    say(f"{options.name}: stopped")
    return DONE
