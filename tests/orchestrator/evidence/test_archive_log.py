"""The part of a log that belongs to a phase, and the lines of it that matter."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.evidence.archive_log import lines_that_matter, log_lines, log_window

#: Everything in ASCII but what ``str.splitlines`` takes for the end of a line.
INSIDE_A_LINE = st.characters(codec="ascii", exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e")
LINES = st.lists(st.text(INSIDE_A_LINE)).map(tuple)


def text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


@given(before=LINES, written=LINES)
def test_the_window_of_a_log_that_grew_is_what_was_added(
    before: tuple[str, ...], written: tuple[str, ...]
) -> None:
    earlier = text(*before)
    assert log_window(earlier, earlier + text(*written)) == written


def test_a_log_that_did_not_grow_has_an_empty_window() -> None:
    assert log_window("half a li", "half a li") == ()
    assert log_window("", "") == ()


def test_a_line_that_was_half_written_is_given_whole() -> None:
    assert log_window("first\nsecond ha", "first\nsecond half\nthird\n") == ("second half", "third")


def test_a_log_started_afresh_is_taken_whole() -> None:
    assert log_window(text("old a", "old b"), text("new a", "new b")) == ("new a", "new b")


def test_a_log_that_lost_its_beginning_is_taken_from_where_it_was_read_to() -> None:
    before = text("1", "2", "3", "4", "5", "6")
    after = text("4", "5", "6", "7", "8")
    assert log_window(before, after) == ("7", "8")


def test_a_short_log_is_kept_as_it_is() -> None:
    lines = ("anything", "E1124 04:14:14.1 x] trouble", "else")
    assert lines_that_matter(lines, most=3) == lines


def test_trouble_then_dicom_then_the_rest_stays_and_in_its_order() -> None:
    lines = (
        "I1124 04:14:14.100000 plugins.cpp:1] housekeeping",
        "I1124 04:14:14.200000 CommandDispatcher.cpp:2] Association Received from AET CT",
        "I1124 04:14:14.300000 plugins.cpp:1] housekeeping",
        "E1124 04:14:14.400000 main.cpp:404] AET not listed in DicomModalities",
        "2026-11-24 04:14:14,500 WARN  [org.dcm4che3.net] CT->DCM4CHEE(1): i/o exception",
    )
    assert lines_that_matter(lines, most=2) == lines[3:]
    assert lines_that_matter(lines, most=3) == (lines[1], *lines[3:])


def test_of_a_stack_trace_the_exception_stays_and_the_frames_go_first() -> None:
    lines = (
        "2026-11-24 04:14:14,500 ERROR [org.dcm4chee] java.io.IOException: No space left",
        "\tat org.dcm4chee.arc.store.impl.StoreServiceImpl.store(StoreServiceImpl.java:258)",
        "\tat java.base/java.lang.Thread.run(Thread.java:1583)",
        "something else",
    )
    assert lines_that_matter(lines, most=2) == (lines[0], lines[3])


@given(lines=LINES, most=st.integers(1, 10))
def test_trimming_keeps_order_and_counts_what_it_leaves_out(
    lines: tuple[str, ...], most: int
) -> None:
    kept = log_lines("archive", "", text(*lines), most)
    assert len(kept.lines) + kept.omitted == len(lines)
    assert len(kept.lines) <= most
    remaining = iter(lines)
    assert all(line in remaining for line in kept.lines)


def test_an_endless_line_is_cut() -> None:
    (line,) = log_lines("archive", "", "x" * 10_000).lines
    assert line.endswith("x…")
    assert len(line) == 600
