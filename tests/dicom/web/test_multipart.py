"""multipart/related messages, however they arrive."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.web.multipart import (
    DICOM,
    MultipartError,
    Writing,
    boundary_of,
    media_type,
    read_parts,
)

CONTENTS = st.lists(st.binary(max_size=200).filter(lambda each: b"--edge" not in each), max_size=5)


class Trickle:
    """A stream that gives a few bytes at a time."""

    def __init__(self, content: bytes, size: int) -> None:
        self._stream, self._size = BytesIO(content), size

    def read(self, size: int, /) -> bytes:
        return self._stream.read(min(size, self._size))


def message(contents: list[bytes]) -> bytes:
    parts = [b"--edge\r\nContent-Type: a/b\r\n\r\n" + each + b"\r\n" for each in contents]
    return b"".join(parts) + b"--edge--\r\n"


@given(CONTENTS, st.integers(1, 70))
def test_parts_are_the_same_however_the_message_is_cut_into_blocks(
    contents: list[bytes], size: int
) -> None:
    parts = list(read_parts(Trickle(message(contents), size), b"edge"))
    assert [part.content for part in parts] == contents
    assert {part.headers["Content-Type"] for part in parts} <= {"a/b"}


@given(st.lists(st.binary(max_size=64), max_size=5))
def test_a_message_splits_into_what_was_written(contents: list[bytes]) -> None:
    writing = Writing("limit")
    contents = [each.replace(b"--limit", b"") for each in contents]
    before, behind = writing.part()
    body = b"".join(before + each + behind for each in contents) + writing.end
    parts = list(read_parts(BytesIO(body), boundary_of(writing.content_type)))
    assert [part.content for part in parts] == contents
    assert {part.headers["Content-Type"] for part in parts} <= {DICOM}


def test_no_two_messages_have_the_same_boundary() -> None:
    assert Writing().boundary != Writing().boundary


@given(CONTENTS.filter(bool), st.data())
def test_a_message_that_is_cut_off_gives_its_complete_parts_and_says_so(
    contents: list[bytes], data: st.DataObject
) -> None:
    whole = message(contents)
    end = data.draw(st.integers(0, len(whole) - len(b"--\r\n") - 1))
    parts: list[bytes] = []
    with pytest.raises(MultipartError, match="cut off"):
        parts.extend(part.content for part in read_parts(BytesIO(whole[:end]), b"edge"))
    assert parts == contents[: len(parts)]


def test_prose_before_the_first_part_and_parts_without_headers_are_fine() -> None:
    body = b"hello\r\n--edge\r\n\r\nbare\r\n--edge--"
    assert [part.content for part in read_parts(BytesIO(body), b"edge")] == [b"bare"]


def test_a_part_longer_than_it_may_be_is_refused() -> None:
    body = message([bytes(200_000)])
    with pytest.raises(MultipartError, match="within 100000 bytes"):
        list(read_parts(BytesIO(body), b"edge", longest=100_000))


def test_parameters_of_a_media_type_may_be_quoted_or_not() -> None:
    quoted = media_type('Multipart/Related; type="application/dicom"; boundary="a b"')
    assert quoted.name == "multipart/related"
    assert quoted.parameters == {"type": "application/dicom", "boundary": "a b"}
    assert boundary_of("multipart/related; boundary=edge") == b"edge"


@pytest.mark.parametrize("given", ["", "multipart/related", "text/html; boundary=edge"])
def test_a_content_type_without_a_boundary_is_no_multipart_message(given: str) -> None:
    with pytest.raises(MultipartError, match="expected multipart with a boundary"):
        boundary_of(given)
