"""A quick look at a file finds what a thorough one finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.data import get_testdata_files

from dicom.datasets.part10 import Part10File, inspect
from dicom.errors import UsageError
from modalities.burst.peek import peek
from modalities.generation import write_study
from modalities.studies.pixel_data import TRANSFER_SYNTAXES


def outcome(look: object, path: Path) -> Part10File | str:
    assert callable(look)
    try:
        found: Part10File = look(path)
    except UsageError as error:
        return str(error)
    return found


@pytest.mark.filterwarnings("ignore")  # pydicom's files are there to be warned of
def test_every_file_that_pydicom_is_tested_with_is_seen_as_it_is() -> None:
    paths = [Path(name) for name in get_testdata_files() if Path(name).is_file()]
    assert len(paths) > 100
    for path in paths:
        assert outcome(peek, path) == outcome(inspect, path)


def test_simulated_objects_are_seen_as_they_are_in_every_syntax_that_fits_them(
    tmp_path: Path,
) -> None:
    seen = 0
    for syntax in TRANSFER_SYNTAXES:
        try:
            (written,) = write_study(
                tmp_path / syntax, "CT", images=1, rows=16, columns=16, transfer_syntax=syntax
            )
        except UsageError:  # JPEG of 8 bits, say
            continue
        assert peek(written.path) == inspect(written.path)
        seen += 1
    assert seen >= 5


@pytest.mark.parametrize("size", [0, 1, 131, 132, 140, 144, 200, 330, 400])
def test_the_beginning_of_a_file_is_seen_as_it_is(tmp_path: Path, size: int) -> None:
    (written,) = write_study(tmp_path, "CT", images=1, rows=16, columns=16)
    written.path.write_bytes(written.path.read_bytes()[:size])
    assert outcome(peek, written.path) == outcome(inspect, written.path)


@pytest.mark.parametrize("change", [-2, 2, 100, 5000])
def test_a_wrong_group_length_misleads_nobody(tmp_path: Path, change: int) -> None:
    (written,) = write_study(tmp_path, "CT", images=1, rows=16, columns=16)
    data = bytearray(written.path.read_bytes())
    length = int.from_bytes(data[140:144], "little") + change
    data[140:144] = length.to_bytes(4, "little")
    written.path.write_bytes(data)
    assert outcome(peek, written.path) == outcome(inspect, written.path)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be sent"):
        peek(tmp_path / "nowhere.dcm")
