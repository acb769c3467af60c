"""Images under objects that say how to look at them: presentation states and key objects."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from PIL import Image, ImageDraw
from pydicom import Dataset

from tools.depiction.canvas import Find, fitted, written
from tools.depiction.images import as_shown, shown

_ANNOTATION, _KEY = "yellow", "gold"
_STAR: Final = ((0, -10), (3, -3), (10, -3), (4, 2), (6, 9), (0, 5), (-6, 9), (-4, 2), (-10, -3), (-3, -3))  # fmt: skip  # noqa: E501


def presented(state: Dataset, find: Find, side: int) -> Image.Image:
    """The image that the first annotation is on, in the state's window, annotated."""
    annotation = state.GraphicAnnotationSequence[0]
    image = find(annotation.ReferencedImageSequence[0])
    voi = state.SoftcopyVOILUTSequence[0]
    window = float(voi.WindowCenter), float(voi.WindowWidth)
    picture = fitted(Image.fromarray(shown(image, window)), side)
    draw = ImageDraw.Draw(picture)
    scale = side / max(image.Rows, image.Columns)
    left, top = (side - image.Columns * scale) / 2, (side - image.Rows * scale) / 2
    for graphic in annotation.get("GraphicObjectSequence", []):
        data = [float(each) for each in graphic.GraphicData]
        points = [
            (left + x * scale, top + y * scale) for x, y in zip(data[::2], data[1::2], strict=True)
        ]
        for pair in pairwise(points):
            draw.line(pair, fill=_ANNOTATION)
    for text in annotation.get("TextObjectSequence", []):
        x, y = (float(each) * scale for each in text.AnchorPoint)
        written(draw, (left + x + 4, top + y - 5), text.UnformattedTextValue, _ANNOTATION)
    written(draw, (6, side - 16), str(state.ContentLabel), _ANNOTATION)
    return picture


def key_image(selection: Dataset, find: Find, side: int) -> Image.Image:
    """The middle one of the images that are selected, marked, under the selection's title."""
    images = [item for item in selection.ContentSequence if item.ValueType == "IMAGE"]
    middle = images[len(images) // 2].ReferencedSOPSequence[0]
    picture = as_shown(find(middle), find, side)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, side - 1, side - 1), outline=_KEY, width=3)
    corner = side - 20, 20
    draw.polygon([(corner[0] + x, corner[1] + y) for x, y in _STAR], fill=_KEY)
    title = selection.ConceptNameCodeSequence[0].CodeMeaning
    written(draw, (8, side - 18), f"{title}: {len(images)} images", _KEY)
    return picture
