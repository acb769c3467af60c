"""Modality families: one file per IOD, registered by decorator where it is defined.

A family draws the images of a series. Adding one is adding a file to this folder.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Protocol

from pydicom import Dataset

from modalities.errors import ModalityError
from modalities.near_words import did_you_mean
from modalities.study_plan import StudyPlan


class Family(Protocol):
    """What is particular to one kind of equipment."""

    def __call__(self, plan: StudyPlan, shared: Dataset) -> Iterator[Dataset]:
        """Yield the images of ``plan`` one by one.

        ``shared`` holds the attributes of patient, study and equipment; each image starts from
        ``plan.image(shared, …)`` and gets series, geometry and pixels of its own.
        """


_FAMILIES: dict[str, Family] = {}


def register(name: str) -> Callable[[Family], Family]:
    """Decorator that registers a family by its Modality (0008,0060).

    Raises:
        ValueError: ``name`` is taken.
    """

    def add(family: Family) -> Family:
        if name in _FAMILIES:
            raise ValueError(f"modality family {name!r} is registered twice")
        _FAMILIES[name] = family
        return family

    return add


def names() -> tuple[str, ...]:
    """All families, sorted."""
    for module in pkgutil.iter_modules(__path__, __name__ + "."):
        importlib.import_module(module.name)
    return tuple(sorted(_FAMILIES))


def named(name: str) -> Family:
    """The family ``name`` (``CT``), in any case.

    Raises:
        ModalityError: there is none; the message has the nearest right word.
    """
    known = names()
    try:
        return _FAMILIES[name.upper()]
    except KeyError:
        hint = did_you_mean(name.upper(), known) or "."
        raise ModalityError(
            f"unknown modality family {name!r}{hint} Known: {', '.join(known)}"
        ) from None
