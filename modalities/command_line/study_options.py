"""Options of every command that simulates studies."""

from __future__ import annotations

import argparse
from typing import Any

from dicom.patients import CHARACTERS
from modalities import families
from modalities.command_line.options import positive
from modalities.generation import plan
from modalities.studies.pixel_data import TRANSFER_SYNTAXES


def add_study_options(parser: argparse.ArgumentParser, *, default: str | None) -> None:
    """``--family`` and what belongs to it; ``default`` is the family where none is asked for."""
    given = f" ({default})" if default else ""
    parser.add_argument(
        "--family",
        action="append",
        metavar="NAME",
        help=f"{', '.join(families.names())}{given}; several make one study",
    )
    parser.add_argument("--images", type=positive, default=3, help="of each family (%(default)s)")
    parser.add_argument("--rows", type=positive, help="image height in pixels (the family's own)")
    parser.add_argument("--columns", type=positive, help="image width in pixels (the family's own)")
    parser.add_argument("--frames", type=positive, help="of multi-frame objects (the family's own)")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes (%(default)s)")
    parser.add_argument(
        "--patient", metavar="NAME", help=f"an uncommon name: {', '.join(CHARACTERS)}"
    )
    parser.add_argument(
        "--transfer-syntax",
        default="ExplicitVRLittleEndian",
        metavar="SYNTAX",
        help=f"UID, or one of {', '.join(syntax.keyword for syntax in TRANSFER_SYNTAXES)}",
    )


#: Of ``modalities.generation.generate``, by name.
Arguments = dict[str, Any]


def study_of(options: argparse.Namespace, default: str | None) -> list[Arguments]:
    """The arguments of ``modalities.generation.generate`` for each family asked for.

    Raises:
        UsageError: one of them can't be made as asked for; nothing was made then.
    """
    keys = ("images", "rows", "columns", "frames", "seed", "patient", "transfer_syntax")
    common = {key: getattr(options, key) for key in keys}
    names = options.family or ([default] if default else [])
    for name in names:
        plan(name, **common)
    return [{"family": name, **common} for name in names]
