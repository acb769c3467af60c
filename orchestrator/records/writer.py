"""The record of one run while the run goes on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.errors import EnvironmentProblemError
from orchestrator.model.events import CellDone
from orchestrator.model.results import CellId, CellResult, RunResult
from orchestrator.records.full_disk import is_full, make_room
from orchestrator.records.record import without_evidence, write_run


class RecordWriter:
    """Gathers the results of a run's cells and writes its record.

    Args:
        folder: the run's.
        head: the run without its cells.
        chosen: the cells, in the order of the record.
    """

    def __init__(self, folder: Path, head: RunResult, chosen: Sequence[CellId]) -> None:
        self._folder = folder
        self._head = head
        self._chosen = [cell.slug for cell in chosen]
        self._results: dict[str, CellResult] = {}
        self._stored: dict[str, CellResult] = {}

    def add(self, done: CellDone) -> None:
        """Take the result of a cell."""
        slug = done.result.cell.slug
        self._results[slug] = done.result
        if done.stored is not None:
            self._stored[slug] = done.stored

    def finished(self, cut_short: str) -> RunResult:
        """The whole result, now that the run is over, or was ``cut_short`` for a reason."""
        cells = tuple(self._results[slug] for slug in self._chosen if slug in self._results)
        left = len(self._chosen) - len(cells)
        if cut_short and left:
            cut_short += f"; {left} of {len(self._chosen)} cells were not begun"
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return self._head.model_copy(
            update={"cells": cells, "finished": now, "interrupted": cut_short}
        )

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
        bare = {
            cell.cell.slug: without_evidence(cell)
            for cell in result.cells
            if cell.cell.slug not in self._stored
        }
        write_run(self._folder, result, {**bare, **self._stored})
        return [*without, f"the disk is full: there is no evidence of {', '.join(sorted(bare))}"]
