"""``generate``: simulated studies as DICOM files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from dicom.errors import UsageError
from modalities.command_line import DONE, subcommand
from modalities.command_line.progress import progress
from modalities.command_line.study_options import add_study_options, study_of
from modalities.command_line.words import say
from modalities.generation import write_files

_FAMILY: Final = "CT"


def _configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", required=True, type=Path, help="folder to write to")
    add_study_options(parser, default=_FAMILY)


@subcommand("generate", help="write a simulated study as DICOM files", configure=_configure)
def _run(options: argparse.Namespace) -> int:
    parts = study_of(options, _FAMILY)
    with progress("generating", total=options.images * len(parts)) as advance:
        for part in parts:
            try:
                for path in write_files(options.out, **part):
                    say(str(path))
                    advance()
            except OSError as error:
                raise UsageError(
                    f"can't write to {options.out}: {error.strerror or error}; free some space or"
                    " choose another --out"
                ) from error
    return DONE
