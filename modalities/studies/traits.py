"""What is particular to a modality family, as data that a study's plan can follow."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.uid import UID

from modalities.studies.pixel_data import PixelFormat


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What is particular to one kind of object.

    Attributes:
        name: the word for it on command lines and in scenarios (``US-CINE``).
        modality: Modality (0008,0060).
        title: one line for people.
        sop_class: of its objects.
        pixels: what its pixels are; None for objects without.
        rows, columns: usual size of an image in pixels; 0 without pixels.
        frames: usual number of frames; 0 for objects that are no multi-frame images.
        spans: whether the images together span a body part, so that what each shows depends on
            how many there are.
    """

    name: str
    modality: str
    title: str
    sop_class: UID
    pixels: PixelFormat | None = None
    rows: int = 0
    columns: int = 0
    frames: int = 0
    spans: bool = False
