"""STOW-RS of the profile archive: what is kept, and what the response says (F25)."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from dicom.settings import ArchiveSettings
from orchestrator.stacks.profile.files import find_profile
from tests.archive.peer import MR, image
from tests.archive.web.origin import (
    EVERY,
    MULTIPART,
    Origin,
    encoded,
    file,
    reasons,
    referenced,
    start,
)
from tests.peers import PATIENCE

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")


@pytest.mark.parametrize(
    ("profile", "status", "garbage"),
    [("orthanc-1.10", 400, 400), ("orthanc-1.12", 400, 400), ("dcm4chee-5.35", 202, 409)],
)
def test_one_bad_object_among_good_ones(origin: Origin, status: int, garbage: int) -> None:
    answer = origin.post(file(1), file(2, StudyInstanceUID=None), file(3))
    assert answer.status_code == status
    assert referenced(answer) == ["2.25.1.1.1", "2.25.1.1.3"]
    assert list(reasons(answer)) == ["2.25.1.1.2"]
    assert ("Warning" in answer.headers) == (origin.profile == "dcm4chee-5.35")
    assert origin.held() == 2
    assert origin.post(b"no DICOM file at all").status_code == garbage
    assert origin.post(file(4)[:-1000]).status_code == garbage


@pytest.mark.parametrize(
    ("profile", "status"), [("orthanc-1.10", 400), ("orthanc-1.12", 400), ("dcm4chee-5.35", 202)]
)
def test_objects_that_can_not_be_read_do_not_keep_the_others_out(
    origin: Origin, status: int
) -> None:
    deflated = image(1)
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    no_number = file(3).replace(b"\x10\x00\x20\x00LO", b"\x10\x00\x20\x00UL")  # of two bytes
    answer = origin.post(encoded(deflated)[:-1000], no_number, file(2))
    assert answer.status_code == status
    assert referenced(answer) == ["2.25.1.1.2"]
    assert origin.held() == 1


@pytest.mark.parametrize(
    ("profile", "reason"),
    [("orthanc-1.10", 0xC000), ("orthanc-1.12", 0xC000), ("dcm4chee-5.35", 0x0110)],
)
def test_an_object_without_a_study_is_refused_with_the_products_reason(
    origin: Origin, reason: int
) -> None:
    answer = origin.post(file(1, StudyInstanceUID=None))
    assert reasons(answer) == {"2.25.1.1.1": reason}


@pytest.mark.parametrize(
    ("profile", "statuses", "reason"),
    [
        ("orthanc-1.10", (409, 409), 0x0110),
        ("orthanc-1.12", (409, 409), 0x0110),
        ("dcm4chee-5.35", (409, 202), 0xC409),
    ],
)
def test_an_object_of_another_study_than_the_path(
    origin: Origin, statuses: tuple[int, int], reason: int
) -> None:
    alone = origin.post(file(1), study="/2.25.99")
    assert (alone.status_code, reasons(alone)) == (statuses[0], {"2.25.1.1.1": reason})
    other = {"StudyInstanceUID": "2.25.99", "SeriesInstanceUID": "2.25.99.1"}
    mixed = origin.post(file(1), file(2, **other), study="/2.25.99")
    assert (mixed.status_code, reasons(mixed)) == (statuses[1], {"2.25.1.1.1": reason})
    assert referenced(mixed) == ["2.25.1.1.2"]
    assert origin.held() == 1


@pytest.mark.parametrize(
    ("profile", "with_parameter", "other", "status"),
    [
        ("orthanc-1.10", 0, 0, 200),
        ("orthanc-1.12", 1, 0, 200),
        ("dcm4chee-5.35", 1, 0, 409),
    ],
)
def test_what_type_a_part_must_have(
    origin: Origin, with_parameter: int, other: int, status: int
) -> None:
    origin.post(file(1), part_type="application/dicom;transfer-syntax=1.2.840.10008.1.2.1")
    assert origin.held() == with_parameter
    answer = origin.post(file(2), part_type="application/octet-stream")
    assert (answer.status_code, origin.held()) == (status, with_parameter + other)


@EVERY
@pytest.mark.parametrize(
    "content_type",
    [
        "application/dicom",
        "multipart/related; boundary=e",
        'multipart/related; type="application/dicom"',
        'multipart/related; type="application/dicom+json"; boundary=e',
    ],
)
def test_a_request_of_another_type_is_unsupported(origin: Origin, content_type: str) -> None:
    answer = requests.post(
        f"{origin.url}/studies",
        data=b"--e--",
        headers={"Content-Type": content_type},
        auth=origin.auth,
        timeout=PATIENCE,
    )
    assert answer.status_code == 415


@EVERY
def test_a_message_that_is_cut_off_is_what_was_complete_of_it(origin: Origin) -> None:
    part = b"--e\r\nContent-Type: application/dicom\r\n\r\n"
    body = part + file(1) + b"\r\n" + part + file(2)
    answer = requests.post(
        f"{origin.url}/studies",
        data=body,
        headers={"Content-Type": f"{MULTIPART}; boundary=e"},
        auth=origin.auth,
        timeout=PATIENCE,
    )
    assert (answer.status_code, referenced(answer)) == (200, ["2.25.1.1.1"])


@EVERY
def test_overwriting_follows_the_policy_for_dimse(origin: Origin) -> None:
    origin.post(file(1, StudyDescription="first"))
    origin.post(file(1, StudyDescription="second"))
    ((held),) = origin.server.held()
    kept = str(dcmread(held.path).StudyDescription)
    # Orthanc keeps the first; DCM4CHEE takes a second one from the same source (F13a)
    assert kept == ("second" if origin.profile == "dcm4chee-5.35" else "first")


@pytest.mark.parametrize("profile", ["dcm4chee-5.35"])
def test_another_patient_in_a_held_study_is_refused_as_by_c_store(origin: Origin) -> None:
    origin.post(file(1))
    answer = origin.post(file(2, PatientID="P2"))
    assert (answer.status_code, reasons(answer)) == (409, {"2.25.1.1.2": 0xA778})


@EVERY
def test_coercions_are_those_of_c_store(origin: Origin) -> None:
    origin.post(file(1, PatientID=None))
    ((held),) = origin.server.held()
    assert bool(held.patient_id) == (origin.profile == "dcm4chee-5.35")


def test_a_product_may_refuse_what_c_store_does_not_accept(tmp_path: Path) -> None:
    rules = find_profile("dcm4chee-5.35").web
    assert rules is not None
    strict = rules.stow.model_copy(update={"accepted_only": True})
    web = rules.model_copy(update={"stow": strict})
    server = start("dcm4chee-5.35", tmp_path, web=web)
    server.configure(ArchiveSettings(aetitle="ARCHIVE", accepted_sop_classes=("CTImageStorage",)))
    try:
        deflated = image(3)
        deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        mr = file(2, SOPClassUID=MR)
        answer = Origin(server, "dcm4chee-5.35").post(file(1), mr, encoded(deflated))
        assert answer.status_code == 202
        assert reasons(answer) == {"2.25.1.1.2": 0x0122, "2.25.1.1.3": 0xC122}
    finally:
        server.stop()
