"""Documents: the tree of a structured report, the page of a PDF."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Final

from PIL import Image, ImageDraw
from pydicom import Dataset

from modalities.iods.pdf_page import HEIGHT, WIDTH
from tools.depiction.canvas import LETTER_WIDTH, LINE_HEIGHT, Find, blank, fitted, written

_MARGIN: Final = 6
#: An operand or an operator of a content stream.
_TOKEN: Final = re.compile(rb"\((?:\\.|[^\\)])*\)|[^\s()]+")


def content_tree(report: Dataset, find: Find, side: int) -> Image.Image:
    """As much of the text as there is room for; headings are bold by their colour."""
    del find
    picture, draw = blank(side, "white")
    letters = (side - 2 * _MARGIN) // LETTER_WIDTH
    y = _MARGIN
    for depth, words, is_heading in _lines(report, 0):
        indent = "  " * depth
        for line in textwrap.wrap(
            words, letters, initial_indent=indent, subsequent_indent=indent + "  "
        ):
            if y + LINE_HEIGHT > side - _MARGIN:
                return picture
            written(draw, (_MARGIN, y), line, "#1a3f7a" if is_heading else "#202020")
            y += LINE_HEIGHT
    return picture


def _lines(item: Dataset, depth: int) -> Iterator[tuple[int, str, bool]]:
    name = item.ConceptNameCodeSequence[0].CodeMeaning if "ConceptNameCodeSequence" in item else ""
    value = _value(item)
    if item.ValueType == "CONTAINER":
        yield depth, name, True
    elif item.RelationshipType == "CONTAINS":
        yield depth, f"{name}: {value}" if name else value, False
    if item.get("RelationshipType", "CONTAINS") == "CONTAINS":
        for child in item.get("ContentSequence", []):
            yield from _lines(child, depth + 1)


def _value(item: Dataset) -> str:
    if item.ValueType == "NUM":
        measured = item.MeasuredValueSequence[0]
        unit = measured.MeasurementUnitsCodeSequence[0].CodeValue
        return f"{measured.NumericValue} {'' if unit.startswith('{') else unit}".strip()
    if item.ValueType == "CODE":
        return str(item.ConceptCodeSequence[0].CodeMeaning)
    if item.ValueType == "IMAGE":
        return f"[image ...{item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID[-8:]}]"
    if item.ValueType == "UIDREF":
        return f"...{item.UID[-8:]}"
    held = {"TEXT": "TextValue", "DATETIME": "DateTime", "PNAME": "PersonName"}
    return str(item.get(held.get(item.ValueType, ""), ""))


def pdf_page(made: Dataset, find: Find, side: int) -> Image.Image:
    """The page, drawn from those operators that ``modalities.iods.pdf_page`` writes."""
    del find
    page = Image.new("RGB", (WIDTH, HEIGHT), "white")
    draw = ImageDraw.Draw(page)
    file = made.EncapsulatedDocument
    stream = file[file.index(b"stream\n") + 7 : file.index(b"\nendstream")]
    operands: list[bytes] = []
    path: list[tuple[float, float]] = []
    colours = {b"RG": "black", b"rg": "white"}
    size, at = 0, (0.0, 0.0)
    for token in _TOKEN.findall(stream):
        match token:
            case b"m" | b"l":
                path.append(_point(operands))
            case b"Tf":
                size = int(operands[-1])
            case b"Td":
                at = _point(operands)
            case b"Tj":
                words = re.sub(rb"\\(.)", rb"\1", operands[-1][1:-1]).decode("ascii")
                _print(page, at, words, size)
            case b"RG" | b"rg":
                red, green, blue = (round(float(each) * 255) for each in operands[-3:])
                colours[token] = f"#{red:02x}{green:02x}{blue:02x}"
            case b"S":
                draw.line([*path, path[0]], fill=colours[b"RG"])
                path = []
            case b"B":
                draw.polygon(path, fill=colours[b"rg"], outline=colours[b"RG"], width=2)
                path = []
            case _:
                operands.append(token)
                continue
        operands = []
    return fitted(page, side)


def _point(operands: list[bytes]) -> tuple[float, float]:
    x, y = (float(each) for each in operands[-2:])
    return x, HEIGHT - y


def _print(page: Image.Image, at: tuple[float, float], words: str, size: int) -> None:
    """One line in letters as high as ``size`` and as wide as Helvetica's are on average."""
    line = Image.new("L", (LETTER_WIDTH * len(words) or 1, LINE_HEIGHT), 255)
    written(ImageDraw.Draw(line), (0, 0), words, "black")
    width = max(round(line.width * size / 12), 1)
    line = line.resize((width, size), Image.Resampling.BOX)
    page.paste(line, (round(at[0]), round(at[1]) - size))
