"""WADO-RS of the profile archive: instances and their metadata (F25)."""

from __future__ import annotations

import pytest
from pydicom.uid import JPEG2000Lossless, RLELossless

from tests.archive.peer import image
from tests.archive.web.origin import EVERY, MULTIPART, Origin, encoded, received

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")


@EVERY
@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/studies/2.25.1", 3),
        ("/studies/2.25.1/series/2.25.1.1", 2),
        ("/studies/2.25.1/series/2.25.1.1/instances/2.25.1.1.2", 1),
    ],
)
def test_a_study_a_series_or_an_instance_is_retrieved(
    filled: Origin, path: str, count: int
) -> None:
    answer = filled.get(path, MULTIPART)
    assert answer.status_code == 200
    assert len(received(answer)) == count
    assert len(filled.get(f"{path}/metadata").json()) == count


@EVERY
@pytest.mark.parametrize(
    "path",
    [
        "/studies/2.25.9",
        "/studies/2.25.2/series/2.25.1.1",
        "/studies/2.25.1/series/2.25.1.1/instances/2.25.9",
    ],
)
def test_what_is_not_there_is_not_found(filled: Origin, path: str) -> None:
    assert filled.get(path, MULTIPART).status_code == 404
    assert filled.get(f"{path}/metadata").status_code == 404


@pytest.mark.parametrize(
    ("profile", "statuses"),
    [
        ("orthanc-1.10", (400, 400, 400, 500)),
        ("orthanc-1.12", (400, 400, 400, 500)),
        ("dcm4chee-5.35", (406, 406, 406, 406)),
    ],
)
def test_what_can_not_be_given_is_refused(filled: Origin, statuses: tuple[int, ...]) -> None:
    accepts = (
        "application/dicom",
        "text/html",
        f"{MULTIPART}; transfer-syntax=1.2.3.4",
        f"{MULTIPART}; transfer-syntax={JPEG2000Lossless}",
    )
    answers = (filled.get("/studies/2.25.1", accept) for accept in accepts)
    assert tuple(each.status_code for each in answers) == statuses
    assert filled.get("/studies/2.25.1/metadata", "text/html").status_code == statuses[1]


@EVERY
@pytest.mark.parametrize("accept", ["*/*", "multipart/related", f"text/html, {MULTIPART}"])
def test_an_acceptable_type_among_others_is_enough(filled: Origin, accept: str) -> None:
    assert filled.get("/studies/2.25.2", accept).status_code == 200


@EVERY
def test_objects_are_decompressed_unless_they_are_wanted_as_stored(origin: Origin) -> None:
    compressed = image(1)
    compressed.compress(RLELossless, generate_instance_uid=False)
    origin.post(encoded(compressed))
    stored, default = (
        received(origin.get("/studies/2.25.1", f"{MULTIPART}{syntax}"))[0]
        for syntax in ("; transfer-syntax=*", "")
    )
    assert stored.file_meta.TransferSyntaxUID == RLELossless
    assert default.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert default.PixelData == image(1).PixelData


@pytest.mark.parametrize(
    ("profile", "status"), [("orthanc-1.10", 500), ("orthanc-1.12", 500), ("dcm4chee-5.35", 200)]
)
def test_debians_orthanc_has_no_jpeg_2000(origin: Origin, status: int) -> None:
    compressed = image(1)
    compressed.compress(JPEG2000Lossless, generate_instance_uid=False)
    origin.post(encoded(compressed))
    assert origin.get("/studies/2.25.1", MULTIPART).status_code == status


@EVERY
def test_metadata_has_bulk_data_by_its_address_only(filled: Origin) -> None:
    (described,) = filled.get("/studies/2.25.2/metadata").json()
    base = f"{filled.url}/studies/2.25.2/series/2.25.2.1/instances/2.25.1.1.4"
    assert described["7FE00010"]["BulkDataURI"] == f"{base}/bulk/7fe00010"
    assert "Value" not in described["7FE00010"]
    assert list(described) == sorted(described)
