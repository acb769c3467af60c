"""``python -m modalities``: one file a subcommand, registered where it is defined.

Exit codes: 0 carried out, 1 the exchange stopped (and why), 2 wrong input, 130 interrupted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Final

from pydantic import ValidationError

from dicom.errors import UsageError
from dicom.registry import Registry
from modalities.command_line.words import complain

DONE, STOPPED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
Run = Callable[[argparse.Namespace], int]


@dataclass(frozen=True)
class Subcommand:
    """What it is for, in a line; its options; what carries it out and returns the exit code."""

    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Run


SUBCOMMANDS: Final[Registry[Subcommand]] = Registry("command", __name__)


def subcommand(
    name: str,
    *,
    help: str,
    configure: Callable[[argparse.ArgumentParser], None],
) -> Callable[[Run], Run]:
    """Decorator that registers what carries a subcommand out.

    Raises:
        ValueError: ``name`` is taken.
    """

    def add(run: Run) -> Run:
        SUBCOMMANDS.register(name)(Subcommand(help, configure, run))
        return run

    return add


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser(words[:1]).parse_args(words)
    run: Run = options.run
    try:
        return run(options)
    except UsageError as error:
        complain(str(error))
        return WRONG_INPUT
    except ValidationError as error:
        complain("; ".join(f"{_option(each['loc'])}: {each['msg']}" for each in error.errors()))
        return WRONG_INPUT
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED


def _option(location: Sequence[int | str]) -> str:
    """The option that a field of a command comes from."""
    return "--" + "-".join(map(str, location)).replace("_", "-")


def _parser(first: Sequence[str]) -> argparse.ArgumentParser:
    """A parser of the command that ``first`` names, or of all.

    A node in a container must not wait for the import of commands that it does not run.
    """
    parser = argparse.ArgumentParser(
        prog="python -m modalities", description="Simulated imaging modalities."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in _alone(first) or SUBCOMMANDS:
        each = SUBCOMMANDS[name]
        added = commands.add_parser(name, help=each.help, description=each.help)
        each.configure(added)
        added.set_defaults(run=each.run)
    return parser


def _alone(first: Sequence[str]) -> list[str]:
    """The command that is named, if a module of that name has it."""
    for name in first:
        if name.isidentifier() and find_spec(f"{__name__}.{name}") is not None:
            import_module(f"{__name__}.{name}")
            if SUBCOMMANDS.has(name):
                return [name]
    return []
