"""Modality families: one file per IOD, registered by decorator where it is defined.

A family makes the objects of a series. Adding one is adding a file to this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from pydicom import Dataset
from pydicom.uid import UID

from dicom.registry import Registry
from modalities.studies.pixel_data import PixelFormat
from modalities.studies.plan import StudyPlan
from modalities.studies.traits import Traits


class Maker(Protocol):
    """Makes the objects of one family."""

    def __call__(self, plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
        """Yield the objects of ``plan`` one by one.

        ``shared`` holds the attributes of patient, study and equipment, and no sequences; it may
        be added to. Each object starts from ``plan.object(shared, …)`` and gets series, geometry
        and pixels of its own.
        """


@dataclass(frozen=True, kw_only=True)
class Family(Traits):
    """A kind of object, and who makes it."""

    make: Maker


FAMILIES: Final[Registry[Family]] = Registry("modality family", __name__)


def family(
    name: str,
    *,
    title: str,
    sop_class: UID,
    modality: str | None = None,
    pixels: PixelFormat | None = None,
    size: tuple[int, int] = (0, 0),
    frames: int = 0,
    spans: bool = False,
) -> Callable[[Maker], Maker]:
    """Decorator that registers a family; see ``Family``.

    Args:
        modality: by default ``name``.
        size: rows and columns.

    Raises:
        ValueError: ``name`` is taken.
    """

    def add(make: Maker) -> Maker:
        made = Family(
            name=name,
            modality=modality or name,
            title=title,
            sop_class=sop_class,
            make=make,
            pixels=pixels,
            rows=size[0],
            columns=size[1],
            frames=frames,
            spans=spans,
        )
        FAMILIES.register(name)(made)
        return make

    return add


def names() -> tuple[str, ...]:
    """All families, sorted."""
    return tuple(FAMILIES)


def named(name: str) -> Family:
    """The family ``name`` (``CT``), in any case.

    Raises:
        UsageError: there is none; the message has the nearest right word.
    """
    return FAMILIES[name.upper()]
