"""Deals objects out to associations: files in turn, or simulated studies as they are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from dicom.association.requestor import MAX_CONTEXTS
from modalities.burst.objects import StorageObject, Stream, from_dataset
from modalities.generation import generate


def deal(
    items: Sequence[StorageObject],
    associations: int,
    *,
    objects: int | None = None,
    repeat: int = 1,
) -> list[Stream]:
    """Streams that send ``items`` in turn, each ``repeat`` times, over ``associations``.

    Args:
        items: at least one.
        associations: how many share them; one that would have nothing to send gets no stream.
        objects: how many each association sends, going round ``items`` for as long as it takes;
            None sends each item ``repeat`` times in all.

    Returns:
        One stream for each association; more where there are more than 128 contexts.
    """
    total = len(items) * repeat if objects is None else objects * associations
    streams = []
    for first in range(min(associations, total)):
        mine = range(first, total, associations)
        kinds = list(dict.fromkeys(items[turn % len(items)].context for turn in mine[: len(items)]))
        for begin in range(0, len(kinds), MAX_CONTEXTS):
            contexts = tuple(kinds[begin : begin + MAX_CONTEXTS])
            streams.append(_stream(items, mine, contexts, everything=contexts == tuple(kinds)))
    return streams


def simulated(
    family: str, associations: int, objects: int, seed: int, **options: Any
) -> list[Stream]:
    """A study for each association, of ``objects`` images, made while they are sent.

    Args:
        seed: of the first association's study; the next have the next.
        options: as for ``generate``.

    Raises:
        UsageError: as ``generate``.
    """
    streams = []
    for number in range(associations):
        datasets = generate(family, images=objects, seed=seed + number, **options)
        made = map(from_dataset, datasets)
        first = next(made)
        streams.append(Stream(chain([first], made), (first.context,), objects))
    return streams


def _stream(
    items: Sequence[StorageObject],
    mine: range,
    contexts: tuple[tuple[str, str], ...],
    *,
    everything: bool,
) -> Stream:
    """The turns in ``mine`` whose objects need one of ``contexts``."""
    proposed = set(contexts)
    turns: Sequence[int] = mine
    if not everything:
        turns = [turn for turn in mine if items[turn % len(items)].context in proposed]

    def in_turn() -> Iterator[StorageObject]:
        for turn in turns:
            yield items[turn % len(items)]

    return Stream(in_turn(), contexts, len(turns))
