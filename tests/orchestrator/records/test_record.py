"""Records are whole when read back, readable in themselves, and refused when they can't be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import EnvironmentProblemError, InputError
from orchestrator.model.observation import Observation
from orchestrator.model.results import CellResult, LogLines, RunResult
from orchestrator.records.record import load_run, write_run
from tests import samples

#: Written by pacslab 0.1.0 when the schema's version was 1.0; the paths in it were made neutral.
VERSION_1_0 = Path(__file__).parent / "version-1.0" / "20261125T002416Z-888bbd"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "20260101T000000Z-abcdef"
    made.mkdir()
    return made


def bulky_cell(objects: int = 500, lines: int = 2000) -> CellResult:
    observation = Observation(
        outcome=samples.DELIVERED.outcome, words="delivered", objects=samples.objects(objects)
    )
    logs = (
        LogLines(role="archive", lines=tuple(f"line {n}" for n in range(lines)), omitted=7),
        LogLines(role="wire archive→peer", lines=("one\x0cline", "", "Käse")),
        LogLines(role="silent", lines=()),
    )
    traces = (samples.trace(200), samples.trace(3))
    return samples.cell(phases=(samples.phase("baseline", observation, traces=traces, logs=logs),))


def rewrite(folder: Path, **changes: Any) -> None:
    record = folder / "run.json"
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, **changes}))


def test_what_was_written_is_read_back_equal(folder: Path) -> None:
    result = samples.run(bulky_cell(), samples.cell("healthy", "checked"))
    write_run(folder, result)
    assert load_run(folder) == result
    assert load_run(folder / "run.json") == result


def test_a_record_can_be_moved_with_its_folder(folder: Path, tmp_path: Path) -> None:
    result = samples.run(bulky_cell())
    write_run(folder, result)
    moved = folder.rename(tmp_path / "elsewhere")
    assert load_run(moved) == result


def test_bulky_evidence_lies_beside_a_small_run_json(folder: Path) -> None:
    record = write_run(folder, samples.run(bulky_cell()))
    assert record.stat().st_size < 20_000
    evidence = folder / "cells" / bulky_cell().cell.slug / "evidence" / "baseline"
    assert (evidence / "archive.log").read_text().splitlines()[-1] == "line 1999"
    assert "PDU 199" in (evidence / "traces.txt").read_text()


def test_a_deleted_log_is_counted_as_left_out(folder: Path) -> None:
    write_run(folder, samples.run(bulky_cell()))
    (folder / "cells" / bulky_cell().cell.slug / "evidence/baseline/archive.log").unlink()
    (phase,) = load_run(folder).cells[0].phases
    assert phase.logs[0] == LogLines(role="archive", lines=(), omitted=2007)


def test_latest_leads_to_the_record_written_last(folder: Path) -> None:
    write_run(folder, samples.run(samples.cell()))
    assert load_run(folder.parent / "latest") == samples.run(samples.cell())


def test_a_record_of_another_major_version_is_refused(folder: Path) -> None:
    write_run(folder, samples.run(samples.cell()))
    rewrite(folder, schema_version="3.0")
    with pytest.raises(InputError, match=r"version 3\.0, this pacslab reads 1\.x and 2\.x"):
        load_run(folder)


def test_a_record_of_a_newer_minor_version_is_read_without_its_news(folder: Path) -> None:
    result = samples.run(samples.cell())
    write_run(folder, result)
    content = json.loads((folder / "run.json").read_text())
    content["cells"][0]["mood"] = "good"
    rewrite(folder, schema_version="2.7", cells=content["cells"], weather="fine")
    read = load_run(folder)
    assert read == result.model_copy(update={"schema_version": "2.7"})


def test_unknown_keys_of_our_own_version_are_damage(folder: Path) -> None:
    write_run(folder, samples.run(samples.cell()))
    rewrite(folder, weather="fine")
    with pytest.raises(InputError, match=r"weather.*damaged"):
        load_run(folder)


@pytest.mark.parametrize("version", [None, 1, "one", "1", "1.0.0"])
def test_a_record_without_a_version_is_refused(folder: Path, version: object) -> None:
    write_run(folder, samples.run(samples.cell()))
    rewrite(folder, schema_version=version)
    with pytest.raises(InputError, match=r"expected one like '2\.0'"):
        load_run(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", '"text"'])
def test_something_else_than_a_record_is_refused(folder: Path, content: str) -> None:
    (folder / "run.json").write_text(content)
    with pytest.raises(InputError, match=r"run\.json"):
        load_run(folder)


def test_a_run_without_record_says_what_that_means(folder: Path) -> None:
    with pytest.raises(InputError, match="writes it before its first cell"):
        load_run(folder)


def test_a_record_that_cannot_be_written_is_the_machines_problem(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    with pytest.raises(EnvironmentProblemError, match="--runs"):
        write_run(file, samples.run(bulky_cell()))


def test_a_record_survives_an_interrupted_rewrite(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = samples.run(samples.cell())
    write_run(folder, result)

    def full_disk(self: RunResult, **options: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunResult, "model_dump_json", full_disk)
    with pytest.raises(EnvironmentProblemError, match="No space left"):
        write_run(folder, samples.run())
    assert load_run(folder) == result


def test_a_record_of_schema_1_0_is_read_with_its_evidence() -> None:
    (cell,) = load_run(VERSION_1_0).cells
    assert [phase.name for phase in cell.phases] == ["baseline", "fault", "fix"]
    baseline, fault, _ = cell.phases
    assert str(fault.observation.outcome) == "connect: refused"
    assert fault.met
    assert fault.expected.words == ("refused: nothing listens there",)
    assert fault.expected.why.startswith("The host's own TCP answers with RST")
    assert fault.expected.rule is None
    assert len(fault.observation.objects) == 3
    (trace,) = baseline.traces
    assert len(trace.pdus) == 13
    assert trace.omitted == 0
    assert len(baseline.logs[0].lines) == 4


def test_a_newer_minor_version_of_schema_1_is_read_without_its_news(folder: Path) -> None:
    content = json.loads((VERSION_1_0 / "run.json").read_text())
    content["cells"][0]["phases"][0]["mood"] = "good"
    (folder / "run.json").write_text(json.dumps({**content, "schema_version": "1.1"}))
    assert load_run(folder).exit_code == 0


@pytest.mark.parametrize("cells", [None, [None], [{}], [{"phases": [{}]}]])
def test_a_damaged_record_of_schema_1_is_refused(folder: Path, cells: object) -> None:
    content = json.loads((VERSION_1_0 / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**content, "cells": cells}))
    with pytest.raises(InputError, match="damaged"):
        load_run(folder)
