"""QIDO-RS of the profile archive: what is matched and returned (F25)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.stacks.profile.files import find_profile
from tests.archive.web.origin import EVERY, Origin, file, start, studies

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")


@EVERY
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["2.25.1", "2.25.2"]),
        ("StudyInstanceUID=2.25.2", ["2.25.2"]),
        ("0020000D=2.25.2", ["2.25.2"]),
        ("StudyInstanceUID=2.25.1,2.25.2", ["2.25.1", "2.25.2"]),
        ("PatientName=phan*", ["2.25.1"]),
        ("PatientID=P?", ["2.25.1", "2.25.2"]),
        ("StudyDate=20260101-20260131", ["2.25.1"]),
        ("StudyDate=20260201-", ["2.25.2"]),
        ("ModalitiesInStudy=MR", ["2.25.1"]),
        ("PatientID=NOBODY", []),
        ("limit=1", ["2.25.2"]),
        ("limit=1&offset=1", ["2.25.1"]),
        ("offset=5", []),
        ("includefield=all", ["2.25.1", "2.25.2"]),
        ("fuzzymatching=true&PatientID=P2", ["2.25.2"]),
    ],
)
def test_studies_are_matched_as_the_standard_says(
    filled: Origin, query: str, found: list[str]
) -> None:
    assert studies(filled, query) == found


@pytest.mark.parametrize(
    ("profile", "status"), [("orthanc-1.10", 200), ("orthanc-1.12", 200), ("dcm4chee-5.35", 204)]
)
def test_no_match_is_an_empty_list_or_no_content(filled: Origin, status: int) -> None:
    answer = filled.get("/studies?PatientID=NOBODY")
    assert (answer.status_code, answer.content) == (status, b"[]" if status == 200 else b"")


@pytest.mark.parametrize(
    ("profile", "found"),
    [("orthanc-1.10", []), ("orthanc-1.12", []), ("dcm4chee-5.35", ["2.25.1"])],
)
def test_a_percent_encoded_value_finds_nothing_at_orthanc(filled: Origin, found: list[str]) -> None:
    assert studies(filled, "PatientName=PHANTOM%5EADA") == found
    # what every URL library leaves alone is found everywhere
    assert studies(filled, "PatientName=PHANTOM?ADA") == ["2.25.1"]


@pytest.mark.parametrize(
    ("profile", "found"),
    [("orthanc-1.10", ["2.25.1"]), ("orthanc-1.12", ["2.25.1"]), ("dcm4chee-5.35", [])],
)
def test_case_counts_or_not(filled: Origin, found: list[str]) -> None:
    assert studies(filled, "PatientID=p1") == found


@pytest.mark.parametrize(
    ("profile", "statuses"),
    [
        ("orthanc-1.10", (200, 200, 400, 400)),
        ("orthanc-1.12", (200, 200, 400, 400)),
        ("dcm4chee-5.35", (406, 400, 400, 400)),
    ],
)
def test_what_can_not_be_asked(filled: Origin, statuses: tuple[int, ...]) -> None:
    answers = (
        filled.get("/studies", "text/html"),
        filled.get("/studies?NoSuchThing=1"),
        filled.get("/studies?StudyInstanceUID=2.25.*"),
        filled.get("/studies?limit=some"),
    )
    assert tuple(each.status_code for each in answers) == statuses


@EVERY
def test_attributes_of_sequences_can_be_asked_for(filled: Origin) -> None:
    by_item = studies(filled, "ReferencedStudySequence.ReferencedSOPInstanceUID=1.2")
    # Orthanc passes such a key over
    assert by_item == ([] if filled.profile == "dcm4chee-5.35" else ["2.25.1", "2.25.2"])


@EVERY
def test_levels_have_their_attributes_and_addresses(filled: Origin) -> None:
    series = filled.get("/studies/2.25.1/series").json()
    assert {each["0020000E"]["Value"][0] for each in series} == {"2.25.1.1", "2.25.1.2"}
    assert {each["00201209"]["Value"][0] for each in series} == {1, 2}
    instances = filled.get("/studies/2.25.1/series/2.25.1.1/instances?InstanceNumber=2").json()
    (one,) = instances
    assert one["00081190"]["Value"] == [
        f"{filled.url}/studies/2.25.1/series/2.25.1.1/instances/2.25.1.1.2"
    ]
    assert one["00280010"]["Value"] == [128]
    assert {"00201208", "00080061"} & set(one) == set()
    assert len(filled.get("/instances").json()) == 4


@EVERY
def test_attributes_of_the_study_are_returned_with_series_unless_it_is_named(
    filled: Origin,
) -> None:
    everywhere, in_path, asked = (
        all("00100020" in each for each in filled.get(path).json())
        for path in ("/series", "/studies/2.25.1/series", "/series?StudyInstanceUID=2.25.1")
    )
    orthanc = filled.profile != "dcm4chee-5.35"
    assert (everywhere, in_path, asked) == (True, orthanc, not orthanc)


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ("orthanc-1.10", {"Alphabetic": "Yamada^Tarou", "Ideographic": "^"}),
        ("orthanc-1.12", {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}),
        ("dcm4chee-5.35", {"Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎"}),
    ],
)
def test_a_japanese_name_survives_or_loses_its_characters(
    filled: Origin, name: Mapping[str, str]
) -> None:
    (found,) = filled.get("/studies?StudyInstanceUID=2.25.2").json()
    assert found["00100010"]["Value"] == [name]
    character_set = "ISO_IR 100" if filled.profile == "orthanc-1.10" else "ISO_IR 192"
    assert found["00080005"]["Value"] == [character_set]


def test_a_long_answer_is_cut_off_with_a_warning(tmp_path: Path) -> None:
    rules = find_profile("dcm4chee-5.35").web
    assert rules is not None
    short = rules.qido.model_copy(update={"most_results": 2})
    web = rules.model_copy(update={"qido": short})
    server = start("dcm4chee-5.35", tmp_path, web=web)
    try:
        origin = Origin(server, "dcm4chee-5.35")
        origin.post(*(file(number) for number in range(1, 4)))
        answer = origin.get("/instances")
        assert len(answer.json()) == 2
        assert "the rest is left out" in answer.headers["Warning"]
        assert len(origin.get("/instances?limit=3").json()) == 3
    finally:
        server.stop()
