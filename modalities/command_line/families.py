"""``families``: what can be simulated."""

from __future__ import annotations

import argparse

from modalities import families
from modalities.command_line import DONE, subcommand
from modalities.command_line.words import say


@subcommand("families", help="list what can be simulated", configure=lambda _parser: None)
def _run(options: argparse.Namespace) -> int:
    del options
    width = max(map(len, families.names()))
    for name in families.names():
        family = families.named(name)
        say(f"{name:{width}}  {family.title} ({family.sop_class.name})")
    return DONE
