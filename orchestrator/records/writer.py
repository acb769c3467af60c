"""The record of one run while the run goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.errors import EnvironmentProblemError
from orchestrator.model.events import CellDone
from orchestrator.model.results import CellId, CellResult, RunResult
from orchestrator.records.evidence_files import without_evidence
from orchestrator.records.folders import RECORD, point_latest
from orchestrator.records.full_disk import is_full, make_room
from orchestrator.records.record import replace_record, write_run


class RecordWriter:
    """Gathers the results of a run's cells; the record on disk says at any time what is known.

    Args:
        folder: the run's.
        head: the run without its cells.
        chosen: the cells, in the order of the record.
        refused: the results of those that don't run.
    """

    def __init__(
        self,
        folder: Path,
        head: RunResult,
        chosen: Sequence[CellId],
        refused: Iterable[CellResult] = (),
    ) -> None:
        self._folder = folder
        self._head = head
        self._chosen = {cell.slug: cell for cell in chosen}
        self._results = {result.cell.slug: result for result in refused}
        self._stored = dict(self._results)
        self._over = False

    def begin(self) -> None:
        """Write the record before the first cell starts, and make ``latest`` lead to it."""
        self._replace()
        if (self._folder / RECORD).exists():
            with suppress(OSError):  # the newest run is also found by its name
                point_latest(self._folder)

    def add(self, done: CellDone) -> None:
        """Take the result of a cell; one that comes when the run is over is too late."""
        if self._over:
            return
        slug = done.result.cell.slug
        self._results[slug] = done.result
        if done.stored is not None:
            self._stored[slug] = done.stored
        self._replace()

    def finish(self, cut_short: str) -> RunResult:
        """The whole result, now that the run is over, or was ``cut_short`` for a reason."""
        self._over = True
        known = self._known(self._results)
        if cut_short and known.unfinished:
            left = f"{len(known.unfinished)} of {len(self._chosen)} cells were not begun"
            cut_short = f"{cut_short}; {left}"
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return known.model_copy(update={"finished": now, "state": "over", "interrupted": cut_short})

    def write(self, result: RunResult, *, spare_studies: bool) -> list[str]:
        """Write the record; on a full disk at the expense of what is less worth having.

        Args:
            result: the whole result.
            spare_studies: whether the studies that were sent have to stay.

        Returns:
            What the record does without, in words.

        Raises:
            EnvironmentProblemError: it can't be written at all.
        """
        try:
            write_run(self._folder, result, self._stored)
        except EnvironmentProblemError as error:
            if not is_full(error):
                raise
        else:
            return []
        without = []
        if not spare_studies and make_room(self._folder):
            without.append("the disk is full: the record does without the studies sent")
            with suppress(EnvironmentProblemError):
                write_run(self._folder, result, self._stored)
                return without
        bare = self._bare()
        write_run(self._folder, result, {**bare, **self._stored})
        return [*without, f"the disk is full: there is no evidence of {', '.join(sorted(bare))}"]

    def _known(self, results: dict[str, CellResult]) -> RunResult:
        """What is known so far, each cell as ``results`` has it."""
        return self._head.model_copy(
            update={
                "cells": tuple(results[slug] for slug in self._chosen if slug in results),
                "unfinished": tuple(
                    cell for slug, cell in self._chosen.items() if slug not in results
                ),
            }
        )

    def _bare(self) -> dict[str, CellResult]:
        """Cells whose evidence is not on disk, without it."""
        missing = self._results.keys() - self._stored.keys()
        return {slug: without_evidence(self._results[slug]) for slug in missing}

    def _replace(self) -> None:
        with suppress(OSError):  # ``write`` will meet the same obstacle and say so
            replace_record(self._folder, self._known({**self._bare(), **self._stored}))
