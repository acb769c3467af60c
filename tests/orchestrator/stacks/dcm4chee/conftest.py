"""A DCM4CHEE that plays documented answers, and objects to give it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID

from orchestrator.stacks.dcm4chee.rest import Dcm4cheeRest
from orchestrator.stacks.web_api import WebApi
from tests.orchestrator.stacks.dcm4chee.fake_dcm4chee import CT, EXPLICIT, FakeDcm4chee, serving

MakeObject = Callable[[str, int], bytes]


@pytest.fixture
def fake() -> Iterator[FakeDcm4chee]:
    with serving(FakeDcm4chee()) as running:
        yield running


@pytest.fixture
def rest(fake: FakeDcm4chee) -> Iterator[Dcm4cheeRest]:
    client = Dcm4cheeRest(WebApi("DCM4CHEE (archive)", fake.url, timeout=5))
    yield client
    client.close()


@pytest.fixture
def make_object() -> MakeObject:
    """A small Part-10 file of a study."""

    def make(study: str, number: int) -> bytes:
        dataset = Dataset()
        dataset.SOPClassUID = UID(CT)
        dataset.SOPInstanceUID = UID(f"{study}.{number}")
        dataset.StudyInstanceUID = UID(study)
        dataset.SeriesInstanceUID = UID(f"{study}.0")
        dataset.PatientID = "LAB-1"
        # looks like a delimiter and like line ends, and must come back as it is
        dataset.add_new(0x7FE00010, "OB", b"\r\n--boun\r\r\n\n\x85\x00")
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = UID(EXPLICIT)
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        buffer = BytesIO()
        dataset.save_as(buffer, enforce_file_format=True)
        return buffer.getvalue()

    return make
