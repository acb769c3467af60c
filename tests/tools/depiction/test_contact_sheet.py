"""One picture of all families."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.uid import RawDataStorage

from dicom.errors import UsageError
from modalities import families
from tools.depiction import depict
from tools.depiction.contact_sheet import contact_sheet, main

TILE, GAP = 256, 8


def tile(sheet: Image.Image, column: int = 0) -> NDArray[np.int_]:
    left = GAP + column * (TILE + GAP)
    return np.array(sheet.crop((left, GAP, left + TILE, GAP + TILE))).astype(int)


@pytest.mark.parametrize("family", families.names())
def test_every_family_is_depicted_and_always_alike(family: str) -> None:
    drawn = tile(contact_sheet(names=[family]))
    assert drawn.std() > 10
    again = contact_sheet(names=[family])
    assert np.array_equal(tile(again), drawn)


def test_a_sheet_has_one_labelled_tile_for_each_family(tmp_path: Path) -> None:
    file = tmp_path / "docs" / "sheet.png"
    assert main(["--out", str(file), "--columns", "3"]) == 0
    row = contact_sheet(names=["CT"]).height - GAP
    with Image.open(file) as sheet:
        pixels = np.array(sheet).astype(int)
    count = len(families.names())
    assert pixels.shape == (-(-count // 3) * row + GAP, 3 * (TILE + GAP) + GAP, 3)
    for place in range(count):
        top, left = GAP + place // 3 * row + TILE, GAP + place % 3 * (TILE + GAP)
        label = pixels[top : top + row - TILE - GAP, left : left + TILE]
        assert (label == 255).all(axis=2).any()


def test_nuclear_medicine_is_black_on_white_and_ct_is_not() -> None:
    assert np.median(tile(contact_sheet(names=["CT"]))[:, :20]) == 0
    assert np.median(tile(contact_sheet(names=["PT"]))[128, :20]) > 200


def test_what_stores_little_as_bright_is_shown_as_what_stores_much() -> None:
    # DX is made for presentation of what DX-PROCESSING holds in MONOCHROME1: bones bright in both
    sheet = contact_sheet(names=["DX", "DX-PROCESSING"])
    for column in (0, 1):
        shown = tile(sheet, column)[..., 0]
        assert shown[30:50, 60:70].mean() < shown[150:200, 115:140].mean() - 20


def test_contours_are_drawn_in_their_colours_on_the_image() -> None:
    sheet = contact_sheet(names=["CT", "RTSTRUCT"])
    plain, contoured = tile(sheet, 0), tile(sheet, 1)
    red = (contoured == (255, 0, 0)).all(axis=2)
    assert red[:180].sum() > 100
    assert not (plain == (255, 0, 0)).all(axis=2).any()
    same = (plain == contoured).all(axis=2).mean()
    assert 0.85 < same < 1


def test_a_file_that_can_not_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(families, "names", lambda: ("CT",))
    (tmp_path / "file").write_text("")
    assert main(["--out", str(tmp_path / "file" / "sheet.png")]) == 2
    assert "file" in capsys.readouterr().err


def test_what_nobody_can_depict_is_said() -> None:
    raw = Dataset()
    raw.SOPClassUID = RawDataStorage

    def find(reference: Dataset) -> Dataset:
        raise AssertionError(reference)

    with pytest.raises(UsageError, match="Raw Data Storage has no pixels and no depiction"):
        depict(raw, find, TILE)
