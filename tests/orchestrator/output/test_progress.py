"""Progress on a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from orchestrator.model.events import CellDone, CellStarted, Kept, Note, PhaseDone, RunStarted
from orchestrator.model.results import Verdict
from orchestrator.output import console as consoles
from orchestrator.output.progress import LiveProgress, progress
from tests import samples

FAILING = samples.cell(
    phases=(samples.phase(), samples.phase("fault", samples.REJECTED, met=False)),
    verdict=Verdict.FAIL,
    reason="fault was not as declared",
)


def recorder(*, terminal: bool) -> Console:
    return Console(
        file=io.StringIO(), width=140, height=20, force_terminal=terminal, highlight=False
    )


def text_of(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def play(console: Console) -> str:
    tell = progress(console)
    with tell.showing():
        tell(RunStarted("run-1", (FAILING.cell, samples.cell("healthy").cell)))
        tell(Note("running without Docker"))
        tell(CellStarted(FAILING.cell))
        for phase in FAILING.phases:
            tell(PhaseDone(FAILING.cell, phase))
        tell(CellDone(FAILING))
        tell(CellDone(samples.cell("healthy")))
        tell(Kept("run-1", ("archive: 127.0.0.1:4242",)))
    return text_of(console)


def test_a_log_gets_a_line_for_each_event() -> None:
    name = "wrong-aetitle, store: ct → orthanc"
    assert play(recorder(terminal=False)).splitlines() == [
        "run run-1: 2 cells",
        "note: running without Docker",
        f"{name}: starting",
        f"{name}: baseline: delivered [0.1 s]",
        f"{name}: fault: {samples.REJECTED.words} (expected: delivered) [0.1 s]",
        f"{name}: fail: fault was not as declared (1/2)",
        "healthy, store: ct → orthanc: pass (2/2)",
    ]


def test_a_log_does_not_get_the_tail_of_an_archives_log() -> None:
    console = recorder(terminal=False)
    tell = progress(console)
    reason = "waited for Orthanc, but it ended\nfirst line\nlast line"
    tell(CellDone(samples.cell(verdict=Verdict.ERROR, reason=reason)))
    (line,) = text_of(console).splitlines()
    assert line.endswith("error: waited for Orthanc, but it ended (1/0)")


def test_a_terminal_keeps_notes_and_failures_and_shows_the_bar() -> None:
    text = play(recorder(terminal=True))
    assert "note: running without Docker" in text
    assert "✗ fail" in text
    assert "2/2" in text
    assert "✗ pass" not in text


def test_the_live_view_fits_a_low_terminal() -> None:
    console = recorder(terminal=True)
    live = LiveProgress(console)
    many = [samples.cell(f"s{number}").cell for number in range(50)]
    live(RunStarted("run-1", tuple(many)))
    for cell in many:
        live(CellStarted(cell))
    console.print(live._view())
    assert "and 34 more cells at work" in text_of(console)


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    console.print("text", style="bold red")
    assert "31m" not in text_of(console)


def test_a_pipe_is_as_wide_as_columns_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert consoles.results().width == 140
    monkeypatch.setenv("COLUMNS", "91")
    assert consoles.results().width == 91
