"""What happens in a run is told as data."""

from __future__ import annotations

from multiprocessing import Pipe

import pytest

from orchestrator.model.events import (
    CellDone,
    CellStarted,
    Event,
    Kept,
    Note,
    PhaseDone,
    RunStarted,
)
from tests import samples

CELL = samples.cell()


@pytest.mark.parametrize(
    "event",
    [
        RunStarted("run-1", (CELL.cell,)),
        Note("running without Docker"),
        CellStarted(CELL.cell),
        PhaseDone(CELL.cell, samples.phase(traces=(samples.trace(),))),
        CellDone(CELL, CELL),
        Kept("run-1", ("archive: 127.0.0.1:4242",)),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_is_the_same_at_the_other_end_of_a_pipe(event: Event) -> None:
    here, there = Pipe()
    with here, there:
        here.send(event)
        assert there.recv() == event
