"""``python -m tools.depiction.contact_sheet``: one picture of all modality families.

Exit codes: 0 written, 2 wrong input or the file can't be written.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import textwrap
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import pydicom
from PIL import Image, ImageDraw
from pydicom import Dataset

from dicom.errors import UsageError
from modalities import families
from modalities.command_line.options import positive
from modalities.families import Family
from modalities.generation import write_files
from tools.depiction import depict
from tools.depiction.canvas import LETTER_WIDTH, LINE_HEIGHT, written

_TILE: Final = 256
_GAP: Final = 8
_LABEL: Final = 3 * LINE_HEIGHT + 6
_BACKGROUND, _NAME, _TITLE = "#20262c", "white", "#a8b4c0"
#: Of a series of single images the middle one of this many.
_SERIES: Final = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the contact sheet; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.depiction.contact_sheet", description=__doc__
    )
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    parser.add_argument("--columns", type=positive, default=7, help="tiles in a row")
    parser.add_argument("--seed", type=int, default=1, help="same seed, same bytes")
    options = parser.parse_args(arguments)
    try:
        sheet = contact_sheet(columns=options.columns, seed=options.seed)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(options.out, "PNG", optimize=True)
    except (UsageError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def contact_sheet(
    *, columns: int = 7, seed: int = 1, names: Sequence[str] | None = None
) -> Image.Image:
    """A grid of labelled pictures, one for each family.

    Args:
        columns: tiles in a row.
        seed: of the study that is shown.
        names: families to show; None is all of them.

    Raises:
        UsageError: there is no such family, or none can depict its objects.
        OSError: there is no room for the objects on disk.
    """
    kinds = [families.named(name) for name in (families.names() if names is None else names)]
    columns = min(columns, len(kinds)) or 1
    rows = -(-len(kinds) // columns)
    across, down = _TILE + _GAP, _TILE + _LABEL + _GAP
    sheet = Image.new("RGB", (columns * across + _GAP, rows * down + _GAP), _BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    with tempfile.TemporaryDirectory(prefix="pacslab-sheet-") as folder:
        study = _Study(Path(folder), seed)
        for place, kind in enumerate(kinds):
            left, top = _GAP + place % columns * across, _GAP + place // columns * down
            sheet.paste(depict(study.representative(kind), study.find, _TILE), (left, top))
            written(draw, (left, top + _TILE + 3), kind.name, _NAME)
            lines = textwrap.wrap(kind.title, _TILE // LETTER_WIDTH, max_lines=2, placeholder="...")
            for line, words in enumerate(lines, 1):
                written(draw, (left, top + _TILE + 3 + line * LINE_HEIGHT), words, _TITLE)
    return sheet


class _Study:
    """A study with objects of all families, made as they are asked for."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._seed = seed
        self._read: dict[str, list[Dataset]] = {}

    def representative(self, kind: Family) -> Dataset:
        """The middle of a series, or an object that is more than one image."""
        single_image = kind.pixels is not None and not kind.frames
        if not single_image:
            return self._objects(kind, 1)[0]
        return self._objects(kind, _SERIES)[_SERIES // 2]

    def find(self, reference: Dataset) -> Dataset:
        """What a SOP Instance Reference of an object of this study names.

        Raises:
            UsageError: it is not in this study.
        """
        wanted = reference.ReferencedSOPInstanceUID
        for kind in map(families.named, families.names()):
            if kind.sop_class == reference.ReferencedSOPClassUID:
                count = 1 if kind.frames or kind.pixels is None else _SERIES
                for made in self._objects(kind, count):
                    if made.SOPInstanceUID == wanted:
                        return made
        raise UsageError(
            f"{wanted} is referred to, but no family makes it; expected one of the first objects"
            " of its series"
        )

    def _objects(self, kind: Family, count: int) -> list[Dataset]:
        if kind.name not in self._read:
            files = write_files(self._folder, kind.name, images=count, seed=self._seed)
            # pixels are read when they are looked at, and only the frame that is
            self._read[kind.name] = [
                pydicom.dcmread(path, defer_size="64 KB") for path in islice(files, count)
            ]
        return self._read[kind.name]


if __name__ == "__main__":
    sys.exit(main())
