"""What all depictions are drawn with. A bitmap font gives the same pixels everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset

#: Gets the object that a SOP Instance Reference names.
Find = Callable[[Dataset], Dataset]
#: Draws an object, within a square of so many pixels.
Depictor = Callable[[Dataset, Find, int], Image.Image]

FONT: Final = ImageFont.load_default_imagefont()
#: Height of a line of text, and width of a letter, in pixels.
LINE_HEIGHT, LETTER_WIDTH = 11, 6


def blank(side: int, colour: str = "black") -> tuple[Image.Image, ImageDraw.ImageDraw]:
    """A square, and what draws on it."""
    picture = Image.new("RGB", (side, side), colour)
    return picture, ImageDraw.Draw(picture)


def fitted(picture: Image.Image, side: int) -> Image.Image:
    """``picture`` in RGB, as large as fits a square of ``side`` pixels, in its middle."""
    scale = side / max(picture.size)
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    shrinks = scale < 1
    resampling = Image.Resampling.BOX if shrinks else Image.Resampling.NEAREST
    placed = Image.new("RGB", (side, side))
    placed.paste(
        picture.convert("RGB").resize(size, resampling),
        ((side - size[0]) // 2, (side - size[1]) // 2),
    )
    return placed


def written(draw: ImageDraw.ImageDraw, at: tuple[float, float], words: str, colour: str) -> None:
    """One line; characters that the font lacks become question marks."""
    draw.text(at, words.encode("latin-1", "replace").decode("latin-1"), fill=colour, font=FONT)
