"""While a run goes on its record says what is known; a run that was killed leaves that."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.errors import EnvironmentProblemError
from orchestrator.model.events import CellDone
from orchestrator.model.results import CellResult, Verdict
from orchestrator.records.evidence_files import write_cell
from orchestrator.records.folders import find_run, new_run, run_over
from orchestrator.records.record import load_run
from orchestrator.records.writer import RecordWriter
from tests import samples

FIRST, SECOND, THIRD = (samples.cell(name) for name in ("first", "second", "third"))
REFUSED = samples.cell("refused", verdict=Verdict.UNSUPPORTED, reason="needs Docker", phases=())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    return new_run(tmp_path / "runs")


@pytest.fixture
def writer(folder: Path) -> RecordWriter:
    head = samples.run(name=folder.name).model_copy(update={"state": "running", "finished": ""})
    chosen = [each.cell for each in (FIRST, REFUSED, SECOND, THIRD)]
    writer = RecordWriter(folder, head, chosen, [REFUSED])
    writer.begin()
    return writer


def done(folder: Path, result: CellResult) -> CellDone:
    return CellDone(result, write_cell(folder, result))


def test_before_the_first_cell_the_record_says_what_was_chosen(
    folder: Path, writer: RecordWriter
) -> None:
    known = load_run(find_run(folder.parent))
    assert known.run == folder.name
    assert (known.state, known.finished) == ("running", "")
    assert known.cells == (REFUSED,)
    assert known.unfinished == (FIRST.cell, SECOND.cell, THIRD.cell)


def test_each_cell_is_in_the_record_as_soon_as_it_is_done_in_the_order_chosen(
    folder: Path, writer: RecordWriter
) -> None:
    writer.add(done(folder, THIRD))
    writer.add(done(folder, FIRST))
    known = load_run(folder)
    assert known.cells == (FIRST, REFUSED, THIRD)
    assert known.unfinished == (SECOND.cell,)
    assert known.exit_code == 1, "nobody may take half a run for a good one"


def test_a_run_whose_process_is_gone_was_killed(folder: Path, writer: RecordWriter) -> None:
    writer.add(done(folder, FIRST))
    run_over(folder)
    known = load_run(folder)
    assert known.state == "killed"
    assert known.cells == (FIRST, REFUSED)
    assert known.exit_code == 1


def test_a_finished_run_is_over_whatever_comes_late(folder: Path, writer: RecordWriter) -> None:
    for cell in (FIRST, SECOND):
        writer.add(done(folder, cell))
    result = writer.finish("stopped by SIGINT")
    assert result.interrupted == "stopped by SIGINT; 1 of 4 cells were not begun"
    assert result.unfinished == (THIRD.cell,)
    assert writer.write(result, spare_studies=False) == []
    writer.add(done(folder, THIRD))
    assert load_run(folder) == result
    assert result.state == "over"
    assert result.finished


def test_a_disk_that_is_full_for_a_while_costs_nothing(
    folder: Path, writer: RecordWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        writer.add(CellDone(FIRST))
        with pytest.raises(EnvironmentProblemError, match="No space left"):
            writer.write(writer.finish(""), spare_studies=True)
    assert load_run(folder).cells == (REFUSED,), "what was there stays"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    result = writer.finish("")
    writer.write(result, spare_studies=True)
    assert load_run(folder) == result
