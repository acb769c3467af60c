"""YAML read together with where everything stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.yaml_positions import Position, parse, read

TEXT = """\
name: x
routes:
  store: {probe: store, from: ct}
list:
  - one
  - {two: 2}
"""


def test_keys_values_and_items_know_their_place() -> None:
    document = parse(TEXT)
    assert document.data == {
        "name": "x",
        "routes": {"store": {"probe": "store", "from": "ct"}},
        "list": ["one", {"two": 2}],
    }
    assert document.position(("routes", "store", "from")) == Position(3, 25)
    assert document.value_position(("routes", "store", "from")) == Position(3, 31)
    assert document.position(("list", 1, "two")) == Position(6, 6)
    assert document.position(("list", 0)) == Position(5, 5)


def test_what_is_not_there_stands_where_its_nearest_parent_does() -> None:
    document = parse(TEXT)
    assert document.position(("routes", "store", "to")) == document.position(("routes", "store"))
    assert document.position(("nowhere", 3, "x")) == Position(1, 1)


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "key 'a' is given twice, first in line 1"),
        ("a: !!python/object:os.system {}\n", 1, "is not allowed here"),
        ("a: !secret x\n", 1, "tag '!secret' is not allowed here"),
        ("a: 1\n b: 2\n", 2, ""),
        ("a: [1\n", 2, ""),
        ("", 1, "the file is empty"),
        ("# only a comment\n", 1, "the file is empty"),
        ("a: 1\n---\nb: 2\n", 2, "document"),
        ("a: &x\n  b: *x\n", 1, "an alias that contains itself"),
        ("? [1, 2]\n: 3\n", 1, "a key that is not a plain word"),
        ("a: 2001-99-99\n", 1, "can't read '2001-99-99'"),
        ("a: \x07\n", 1, "not allow"),
    ],
)
def test_what_is_wrong_as_yaml_is_told_with_its_line(text: str, line: int, complaint: str) -> None:
    (fault, *_) = parse(text).faults
    assert complaint in fault.message
    assert fault.position.line == line


def test_keys_are_the_words_as_written() -> None:
    assert parse("no: 1\non: 2\n12: 3\n").data == {"no": 1, "on": 2, "12": 3}


def test_scalars_can_be_read_as_the_text_that_they_are() -> None:
    text = "id: 0012\ntime: 10:30\nday: 2026-01-31\nyes: no\nnone: ~\nalso: [null, 1.0]\nlast:\n"
    assert parse(text, as_text=True).data == {
        "id": "0012",
        "time": "10:30",
        "day": "2026-01-31",
        "yes": "no",
        "none": None,
        "also": [None, "1.0"],
        "last": None,
    }


def test_a_long_list_is_read_however_many_values_it_has() -> None:
    document = parse("- {a: 1, b: 2, c: 3}\n" * 20_000)
    assert not document.faults
    assert document.position((19_999, "c")) == Position(20_000, 16)


def test_aliases_can_not_multiply_without_bound() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (fault,) = parse("\n".join(levels)).faults
    assert "aliases counted" in fault.message


def test_a_deep_nesting_is_a_fault_of_the_file() -> None:
    assert parse("[" * 100_000).faults


def test_a_file_that_is_not_utf8_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "latin1.yaml"
    file.write_bytes("name: Zürich".encode("latin-1"))
    assert "not UTF-8" in read(file).faults[0].message


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "bom.yaml"
    file.write_bytes("\ufeffname: x".encode())
    assert read(file).data == {"name": "x"}


@given(st.text(max_size=200))
def test_any_text_is_either_read_or_explained(text: str) -> None:
    document = parse(text)
    assert document.data is not None or document.faults or text.strip() != ""
    assert all(fault.position.line >= 1 for fault in document.faults)
