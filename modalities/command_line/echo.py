"""``echo``: C-ECHO."""

from __future__ import annotations

import argparse

from modalities.command_line import subcommand
from modalities.command_line.carrying_out import carry_out, conclude
from modalities.command_line.options import add_scu_options, caller_of, target_of
from modalities.services.echo import Echo


@subcommand("echo", help="C-ECHO", configure=add_scu_options)
def _run(options: argparse.Namespace) -> int:
    return conclude(carry_out(Echo(target=target_of(options), caller=caller_of(options))), options)
