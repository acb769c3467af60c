"""PDF documents of one page (ISO 32000-1): text in Helvetica, and polygons.

The same calls give the same bytes: no date, no compression, no identifier of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

#: A4 in points, 1/72 inch.
WIDTH, HEIGHT = 595, 842
_FONTS: Final = {False: "F1", True: "F2"}

Colour = tuple[float, float, float]


class Page:
    """What is drawn on the page, in points from its lower left corner. Colours are RGB, 0 to 1."""

    def __init__(self) -> None:
        self._operators: list[str] = []

    def text(self, x: float, y: float, words: str, *, size: int = 11, bold: bool = False) -> None:
        """One line that starts at ``x`` on the baseline ``y``.

        Raises:
            UnicodeEncodeError: ``words`` are not ASCII.
        """
        words.encode("ascii")
        escaped = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        self._operators.append(
            f"BT /{_FONTS[bold]} {size} Tf {_number(x)} {_number(y)} Td ({escaped}) Tj ET"
        )

    def polygon(
        self,
        points: Iterable[tuple[float, float]],
        *,
        line: Colour = (0, 0, 0),
        fill: Colour | None = None,
    ) -> None:
        """A closed polygon."""
        placed = [f"{_number(x)} {_number(y)}" for x, y in points]
        path = [f"{placed[0]} m", *(f"{each} l" for each in placed[1:]), "h"]
        colours = [f"{_colour(line)} RG"]
        if fill is not None:
            colours.append(f"{_colour(fill)} rg")
        path.append("S" if fill is None else "B")
        self._operators.append("\n".join(["q", *colours, *path, "Q"]))

    def content(self) -> bytes:
        """The content stream (ISO 32000-1 7.8.2)."""
        return "\n".join(self._operators).encode("ascii")


def document(page: Page, title: str) -> bytes:
    """The file. ``title`` is ASCII and goes into the document information dictionary."""
    content = page.content()
    fonts = "/F1 5 0 R /F2 6 0 R"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents 4 0 R"
        f" /Resources << /Font << {fonts} >> >> >>".encode("ascii"),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        _font("Helvetica"),
        _font("Helvetica-Bold"),
        f"<< /Title ({title}) /Producer (pacslab) >>".encode("ascii"),
    ]
    # the comment's high bytes tell transfer programs that the file is binary (7.5.2)
    parts = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"]
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = sum(map(len, parts))
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    parts.extend(b"%010d 00000 n \n" % offset for offset in offsets)
    parts.append(
        b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (len(objects) + 1, len(objects), start)
    )
    return b"".join(parts)


def _font(name: str) -> bytes:
    return (
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
    ).encode("ascii")


def _number(value: float) -> str:
    return f"{value:.2f}"


def _colour(colour: Colour) -> str:
    return " ".join(_number(each) for each in colour)
