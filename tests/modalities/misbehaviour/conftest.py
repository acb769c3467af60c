"""Objects to alter, and what independent readers make of them."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from dicom.datasets.part10 import Part10File, inspect
from modalities.generation import write_study
from modalities.misbehaviour.alteration import altered, parse
from modalities.misbehaviour.encoded import EncodedObject
from tests.peers import tool

Alter = Callable[..., EncodedObject]


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Part10File:
    """A CT image of 64 × 64 in Explicit VR Little Endian."""
    folder = tmp_path_factory.mktemp("image")
    return inspect(write_study(folder, "CT", images=1, rows=64, columns=64)[0].path)


@pytest.fixture(scope="session")
def compressed(tmp_path_factory: pytest.TempPathFactory) -> Part10File:
    """The same in RLE Lossless."""
    folder = tmp_path_factory.mktemp("compressed")
    (written,) = write_study(
        folder, "CT", images=1, rows=64, columns=64, transfer_syntax="RLELossless"
    )
    return inspect(written.path)


@pytest.fixture
def alter(image: Part10File) -> Alter:
    """The CT image, or another, with alterations in words."""

    def make(*texts: str, of: Part10File | None = None) -> EncodedObject:
        return altered(of or image, [parse(text) for text in texts])

    return make


@pytest.fixture
def read(tmp_path: Path) -> Callable[[EncodedObject], Dataset]:
    """What pydicom makes of an object."""

    def with_pydicom(instance: EncodedObject) -> Dataset:
        path = tmp_path / "altered.dcm"
        path.write_bytes(instance.part10())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dcmread(path)

    return with_pydicom


@pytest.fixture
def dump(tmp_path: Path) -> Callable[[EncodedObject], str]:
    """What DCMTK's dcmdump says of an object, complaints first."""

    def with_dcmtk(instance: EncodedObject) -> str:
        path = tmp_path / "altered.dcm"
        path.write_bytes(instance.part10())
        done = subprocess.run(
            [tool("dcmdump"), "+L", str(path)],
            capture_output=True,
            timeout=30,
            check=False,
        )
        return (done.stderr + done.stdout).decode("latin-1")

    return with_dcmtk
