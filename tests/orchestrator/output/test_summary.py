"""What a user reads at a run's end, at several widths and in a pipe."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from orchestrator.errors import InputError
from orchestrator.model.results import CellResult, LogLines, Verdict
from orchestrator.output.console import put
from orchestrator.output.explanation import explain
from orchestrator.output.summary import print_cell, print_summary
from orchestrator.output.table import ResultTable
from tests import samples

FORWARD = samples.cell(
    "wrong-aetitle",
    "checked",
    ends=samples.route("archive", "peer"),
    identities={"archive": samples.ORTHANC, "peer": samples.DCM4CHEE},
)
MIXED = (
    samples.cell("wrong-aetitle", "checked"),
    FORWARD,
    samples.cell("healthy", phases=(samples.phase(),)),
    samples.cell(
        "firewall-drop",
        phases=(),
        identities={},
        verdict=Verdict.UNSUPPORTED,
        reason="needs a packet filter",
    ),
)


def failing(**evidence: tuple[object, ...]) -> CellResult:
    fault = samples.phase(
        "fault",
        met=False,
        expected=(samples.REJECTED.words, "refused: nothing listens there"),
        why="it checks the title (F1)",
        changes=(samples.CHANGE,),
        traces=(samples.trace(30),),
        logs=(LogLines(role="archive", lines=tuple(f"line {n}" for n in range(40)), omitted=2),),
    )
    return samples.cell(
        phases=(samples.phase(), fault), verdict=Verdict.FAIL, reason="fault was not as declared"
    )


def table_lines(cells: Sequence[CellResult], width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    put(console, ResultTable(cells))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def printed(*cells: CellResult, width: int = 140, interrupted: str = "") -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, markup=False)
    print_summary(console, samples.run(*cells, interrupted=interrupted), Path("runs/20260101"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_no_line_of_the_table_is_wider_than_the_console(width: int) -> None:
    assert max(cell_len(line) for line in table_lines(MIXED, width)) <= width


def test_each_cell_has_a_row_with_route_outcomes_and_verdict() -> None:
    lines = list(table_lines(MIXED, 140))
    header, _, title, row = lines[:4]
    assert header.split() == ["route", "baseline", "fault", "fix", "verdict"]
    assert title == "wrong-aetitle/checked"
    assert " ".join(row.split()) == (
        "store: ct → orthanc (process 1.10.1) delivered"
        " rejected: called AE title not recognized (1/1/7) delivered pass"
    )


def test_cells_of_one_scenario_share_a_title() -> None:
    lines = list(table_lines(MIXED, 140))
    assert lines.count("wrong-aetitle/checked") == 1
    assert "→ dcm4chee (profile dcm4chee-5.35)" in "\n".join(table_lines(MIXED, 240))


@pytest.mark.parametrize("width", [100, 140, 180])
def test_the_broken_setting_is_shown_at_every_width(width: int) -> None:
    text = " ".join(" ".join(table_lines(MIXED[:1], width)).split())
    assert "address table of ct: archive" in text
    assert '"OLDPACS"' in text


def test_a_phase_that_was_not_reached_is_a_dash() -> None:
    (row,) = [line for line in table_lines(MIXED, 140) if line.endswith("unsupported")]
    assert row.split()[-4:] == ["–", "–", "–", "unsupported"]


def test_an_unmet_outcome_is_marked_without_colour_too() -> None:
    assert any("✗ delivered" in line for line in table_lines([failing()], 140))


def test_a_failing_cell_is_explained() -> None:
    lines = explain(failing())
    text = "\n".join(lines)
    assert lines[0] == "fault was not as declared"
    assert f"expected  {samples.REJECTED.words} or refused: nothing listens there" in text
    assert "because it checks the title (F1)" in text
    assert "seen      delivered" in text
    assert 'changed   address table of ct: archive "ARCHIVE" → "OLDPACS"' in text
    assert "22 earlier PDUs left out" in text
    assert "PDU 29" in text
    assert "archive (last lines, 36 left out)" in text
    assert "line 39" in text
    assert "baseline:" not in text


def test_what_a_phase_tells_below_is_not_told_above_it() -> None:
    cell = failing()
    fault = cell.phases[1]
    assert fault.difference == (
        f"fault: expected {samples.REJECTED.words} or refused: nothing listens there; saw delivered"
    )
    reason = f"{fault.difference}\nradiology could not be left as it was found"
    lines = explain(cell.model_copy(update={"reason": reason}))
    assert lines[:2] == ["radiology could not be left as it was found", "fault:"]


def test_a_passing_cell_needs_no_explanation() -> None:
    assert explain(samples.cell()) == []


def test_the_end_says_how_many_and_where_the_record_is() -> None:
    text = printed(*MIXED, failing())
    assert "5 cells on local: 3 pass, 1 fail, 1 unsupported" in text
    assert "record: runs/20260101/run.json" in text
    assert f"record    runs/20260101/cells/{failing().cell.slug}" in text


def test_many_failures_are_cut_short_with_a_pointer() -> None:
    text = printed(*[failing()] * 25)
    assert text.count("fault was not as declared") == 10
    assert "15 more cells not as declared: see 'pacslab show 20260101T000000Z-abcdef'" in text


def test_unsupported_cells_are_grouped_by_reason() -> None:
    cells = [
        samples.cell(f"s{n}", verdict=Verdict.UNSUPPORTED, reason="needs Docker", phases=())
        for n in range(9)
    ]
    text = " ".join(printed(*cells).split())
    assert text.count("needs Docker") == 1
    assert "5 more: needs Docker" in text


def test_unsupported_cells_are_told_apart_by_route() -> None:
    store = samples.cell(verdict=Verdict.UNSUPPORTED, reason="needs Docker", phases=())
    echo = store.model_copy(update={"cell": store.cell.model_copy(update={"route": "echo"})})
    text = " ".join(printed(store, echo).split())
    assert (
        "unsupported: wrong-aetitle, store (ct → orthanc); wrong-aetitle, echo (ct → orthanc):"
        " needs Docker" in text
    )


def test_the_end_of_a_run_leads_to_what_starts_a_failing_lab_by_hand() -> None:
    cell = failing().model_copy(update={"reproduce": tuple(f"command {n}" for n in range(9))})
    pointer = f"by hand   pacslab show 20260101T000000Z-abcdef --cell {cell.cell.slug}"
    assert pointer in printed(cell)
    console = Console(file=io.StringIO(), width=140)
    print_summary(console, samples.run(cell), Path("runs/1"), commands=8)
    print_cell(console, samples.run(samples.cell("a"), cell), cell.cell.slug, Path("runs/1"))
    assert isinstance(console.file, io.StringIO)
    run, _, alone = console.file.getvalue().partition("record: ")
    assert "by hand   command 0" in run
    assert "command 8" not in run
    assert f"--cell {cell.cell.slug}" in run
    assert "command 8" in alone
    assert "--cell" not in alone


def test_a_cell_that_is_not_in_the_run_is_answered_with_the_nearest_right_one() -> None:
    console = Console(file=io.StringIO())
    with pytest.raises(InputError, match=r"did you mean 'wrong-aetitle\.store\.orthanc'"):
        print_cell(console, samples.run(samples.cell()), "wrong-aetitle.stor.orthanc", Path("r"))


def test_an_interruption_is_said() -> None:
    assert "cut short: by the user" in printed(samples.cell(), interrupted="by the user")


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("running", "still going on: 1 of 2 cells without a result yet"),
        ("killed", "cut short: the run was killed, or had no room for the rest; 1 of 2 cells"),
    ],
)
def test_a_table_that_is_not_whole_says_so(state: str, said: str) -> None:
    unfinished = (samples.cell("healthy").cell,)
    console = Console(file=io.StringIO(), width=140, highlight=False, markup=False)
    half = samples.run(samples.cell()).model_copy(update={"state": state, "unfinished": unfinished})
    print_summary(console, half, Path("runs/1"))
    assert isinstance(console.file, io.StringIO)
    assert said in console.file.getvalue()


def test_markup_in_an_archives_words_is_not_interpreted() -> None:
    cell = failing().model_copy(update={"reason": "[bold]not markup[/bold] [/oops]"})
    assert "[bold]not markup[/bold] [/oops]" in printed(cell)


def test_a_pipe_gets_plain_text_with_whole_lines() -> None:
    cell = failing()
    log = LogLines(role="archive", lines=("word " * 100 + "end",))
    fault = cell.phases[1].model_copy(update={"logs": (log,)})
    text = printed(*MIXED, cell.model_copy(update={"phases": (fault,)}))
    assert "\x1b" not in text
    assert "word " * 100 + "end\n" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_terminal_gets_long_evidence_below_its_label() -> None:
    log = LogLines(role="archive", lines=("word " * 30,))
    cell = samples.cell(
        phases=(samples.phase(met=False, logs=(log,)),), verdict=Verdict.FAIL, reason="why"
    )
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    print_summary(console, samples.run(cell), Path("runs/1"))
    assert isinstance(console.file, io.StringIO)
    lines = [line for line in console.file.getvalue().splitlines() if "word" in line]
    assert len(lines) > 1
    assert all(line.startswith(" " * 16 + "word") and len(line) <= 80 for line in lines)
