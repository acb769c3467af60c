"""C-FIND: matching, and what each vendor makes of an identifier (rows F21, F24, F27)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset

from archive.server import ProfileServer
from dicom.datasets.matching import matches, value_matches
from dicom.settings import ArchiveSettings
from tests.archive.conftest import MakeArchive, known, start_archive
from tests.archive.peer import MR, PATIENT_FIND, STUDY_FIND, associated, find, image, query, store

PROFILES = ["orthanc-1.10", "orthanc-1.12", "dcm4chee-5.35"]
EVERY = pytest.mark.parametrize("profile", PROFILES)
#: Port of the archive that follows a profile.
Filled = Callable[[str], int]
BOTH = ["orthanc-1.12", "dcm4chee-5.35"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """By profile, an archive with two studies: two CT images and an MR, and one CT image."""
    servers: dict[str, ProfileServer] = {}

    def start(profile: str) -> int:
        if profile not in servers:
            settings = ArchiveSettings(aetitle="ARCHIVE", known_aes=(known("CT", 104),))
            folder = tmp_path_factory.mktemp(profile)
            server = servers[profile] = start_archive(profile, settings, folder)
            second = {"StudyInstanceUID": "2.25.2", "SeriesInstanceUID": "2.25.2.1"}
            assert store(
                server.dicom_port,
                image(1),
                image(2),
                image(3, SOPClassUID=MR, Modality="MR", SeriesInstanceUID="2.25.1.2"),
                image(4, PatientID="P2", PatientName="DUMMY^DORIS", StudyDate="20260201", **second),
            ) == [0, 0, 0, 0]
        return servers[profile].dicom_port

    yield start
    for server in servers.values():
        server.stop()


def uids(matched: list[Dataset], keyword: str = "StudyInstanceUID") -> list[str]:
    return sorted(str(each[keyword].value) for each in matched)


@EVERY
@pytest.mark.parametrize(
    ("keys", "studies"),
    [
        ({}, ["2.25.1", "2.25.2"]),
        ({"StudyInstanceUID": "2.25.2"}, ["2.25.2"]),
        ({"StudyInstanceUID": ["2.25.1", "2.25.2"]}, ["2.25.1", "2.25.2"]),
        ({"PatientName": "dummy*"}, ["2.25.2"]),
        ({"PatientID": "P?"}, ["2.25.1", "2.25.2"]),
        ({"PatientID": "p1"}, []),
        ({"StudyDate": "20260101-20260131"}, ["2.25.1"]),
        ({"StudyDate": "20260201-"}, ["2.25.2"]),
        ({"ModalitiesInStudy": "MR"}, ["2.25.1"]),
        ({"AccessionNumber": "a1"}, []),
    ],
)
def test_studies_are_matched_as_the_standard_says(
    filled: Filled, profile: str, keys: dict[str, object], studies: list[str]
) -> None:
    port = filled(profile)
    asked = query(**{"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "", **keys})
    answers = find(port, asked)
    assert answers.status == 0
    assert uids(answers.matches) == studies


@EVERY
def test_an_answer_holds_the_asked_keys_and_counts(filled: Filled, profile: str) -> None:
    port = filled(profile)
    asked = query(
        QueryRetrieveLevel="STUDY",
        StudyInstanceUID="2.25.1",
        PatientName="",
        ModalitiesInStudy="",
        NumberOfStudyRelatedSeries=None,
        NumberOfStudyRelatedInstances=None,
        PatientComments="",
    )
    (answer,) = find(port, asked).matches
    assert answer.PatientName == "PHANTOM^ADA"
    assert list(answer.ModalitiesInStudy) == ["CT", "MR"]
    assert (answer.NumberOfStudyRelatedSeries, answer.NumberOfStudyRelatedInstances) == (2, 3)
    assert answer.RetrieveAETitle == "ARCHIVE"
    assert answer.PatientComments == ""


@EVERY
def test_series_and_images_are_found_below_their_study(filled: Filled, profile: str) -> None:
    port = filled(profile)
    series = query(QueryRetrieveLevel="SERIES", StudyInstanceUID="2.25.1", SeriesInstanceUID="")
    found = find(port, series).matches
    assert uids(found, "SeriesInstanceUID") == ["2.25.1.1", "2.25.1.2"]
    images = query(
        QueryRetrieveLevel="IMAGE",
        StudyInstanceUID="2.25.1",
        SeriesInstanceUID="2.25.1.1",
        SOPInstanceUID="",
    )
    found = find(port, images).matches
    assert uids(found, "SOPInstanceUID") == ["2.25.1.1.1", "2.25.1.1.2"]


#: Identifier, information model, then status and comment of Orthanc and of DCM4CHEE.
DIVERGENT = [
    (
        query(QueryRetrieveLevel="SERIES", SeriesInstanceUID=""),
        STUDY_FIND,
        (0x0000, ""),
        (0xA900, "Missing StudyInstanceUID (0020,000D)"),
    ),
    (
        query(QueryRetrieveLevel="PATIENT", PatientID="P1"),
        STUDY_FIND,
        (0x0000, ""),
        (0xA900, "Invalid QueryRetrieveLevel (0008,0052) - PATIENT"),
    ),
    (
        query(StudyInstanceUID="2.25.1"),
        STUDY_FIND,
        (0xC000, ""),
        (0xA900, "Missing QueryRetrieveLevel (0008,0052)"),
    ),
    (
        query(QueryRetrieveLevel="VISIT", StudyInstanceUID="2.25.1"),
        STUDY_FIND,
        (0xC000, ""),
        (0xA900, "Invalid QueryRetrieveLevel (0008,0052) - VISIT"),
    ),
    (
        query(QueryRetrieveLevel="INSTANCE", SOPInstanceUID="2.25.1.1.1"),
        STUDY_FIND,
        (0x0000, ""),
        (0xA900, "Invalid QueryRetrieveLevel (0008,0052) - INSTANCE"),
    ),
    (
        query(QueryRetrieveLevel="STUDY", StudyInstanceUID="2.25.1"),
        PATIENT_FIND,
        (0x0000, ""),
        (0xA900, "Missing PatientID (0010,0020)"),
    ),
]


@pytest.mark.parametrize(("identifier", "model", "orthanc", "dcm4chee"), DIVERGENT)
def test_each_vendor_judges_an_identifier_in_its_own_way(
    filled: Filled,
    identifier: Dataset,
    model: str,
    orthanc: tuple[int, str],
    dcm4chee: tuple[int, str],
) -> None:
    seen = [
        find(filled(profile), identifier, model)
        for profile in ("orthanc-1.10", "orthanc-1.12", "dcm4chee-5.35")
    ]
    assert [(each.status, each.comment) for each in seen] == [orthanc, orthanc, dcm4chee]


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    ("keys", "orthanc", "dcm4chee"),
    [
        ({"QueryRetrieveLevel": "study", "StudyInstanceUID": "2.25.1"}, 0x0000, 0xA900),
        ({"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": "2.25.*"}, 0xC000, 0xA900),
    ],
)
def test_what_breaks_the_standard_is_taken_or_refused(
    filled: Filled, keys: dict[str, str], orthanc: int, dcm4chee: int
) -> None:
    statuses = [find(filled(each), query(**keys)).status for each in BOTH]
    assert statuses == [orthanc, dcm4chee]


def test_dcm4chee_answers_without_parents_where_relational_queries_are_negotiated(
    filled: Filled,
) -> None:
    port = filled("dcm4chee-5.35")
    asked = query(QueryRetrieveLevel="SERIES", SeriesInstanceUID="")
    answers = find(port, asked, relational=[STUDY_FIND])
    assert answers.status == 0
    assert len(answers.matches) == 3


def test_a_query_can_be_cancelled(filled: Filled) -> None:
    port = filled("orthanc-1.10")
    asked = query(QueryRetrieveLevel="STUDY", StudyInstanceUID="")
    with associated(port, [(STUDY_FIND, "1.2.840.10008.1.2")]) as peer:
        responses: Iterator[tuple[Dataset, Dataset | None]] = peer.association.send_c_find(
            asked, STUDY_FIND, msg_id=7
        )
        peer.association.send_c_cancel(7, query_model=STUDY_FIND)
        assert [status.Status for status, _ in responses][-1] in (0xFE00, 0x0000)


def test_a_cancel_that_comes_too_late_does_not_concern_the_next_query(filled: Filled) -> None:
    asked = query(QueryRetrieveLevel="STUDY", StudyInstanceUID="")
    with associated(filled("orthanc-1.10"), [(STUDY_FIND, "1.2.840.10008.1.2")]) as peer:
        found = []
        for _ in range(2):
            responses = list(peer.association.send_c_find(asked, STUDY_FIND, msg_id=7))
            found.append([status.Status for status, _ in responses])
            peer.association.send_c_cancel(7, query_model=STUDY_FIND)
        assert found[0][-1] == 0x0000
        assert found[1] == found[0]


@pytest.mark.parametrize(("profile", "charset"), [("orthanc-1.10", "ISO_IR 100")])
def test_orthanc_answers_in_its_default_character_set(
    archive: MakeArchive, profile: str, charset: str
) -> None:
    server = archive(profile, known_aes=(known("CT", 104),))
    stored = image(SpecificCharacterSet="ISO_IR 192", PatientName="Müller^Änne")
    assert store(server.dicom_port, stored) == [0]
    asked = query(QueryRetrieveLevel="STUDY", StudyInstanceUID="", PatientName="")
    (answer,) = find(server.dicom_port, asked).matches
    assert answer.SpecificCharacterSet == charset
    assert str(answer.PatientName) == "Müller^Änne"


@pytest.mark.parametrize(
    ("vr", "pattern", "value", "expected"),
    [
        ("LO", "A[1]*", "A[1]x", True),
        ("LO", "A[1]*", "A1x", False),
        ("PN", "PHANTOM^ADA", "phantom^ada^^", True),
        ("TM", "0900-1000", "100000", True),
        ("TM", "0900-1000", "1001", False),
        ("TM", "100000-110000", "1000", True),
        ("TM", "100000-110000", "0959", False),
        ("DA", "hello-world", "20260105", False),
        ("IS", "7", "007", True),
        ("UI", "1.2.?", "1.2.3", False),
    ],
)
def test_single_values_match_by_their_value_representation(
    vr: str, pattern: str, value: str, *, expected: bool
) -> None:
    assert value_matches(vr, pattern, value) is expected


@given(st.text(st.characters(codec="ascii", exclude_characters="*?\\-"), min_size=1))
def test_every_text_matches_itself_and_any_wildcard(text: str) -> None:
    assert value_matches("LO", text, text)
    assert value_matches("LO", "*", text)
    assert value_matches("LO", f"{text[:1]}*", text)


def test_a_sequence_key_matches_an_item_that_has_all_its_keys() -> None:
    held = query(RequestAttributesSequence=[query(ScheduledProcedureStepID="A"), query()])
    wanted = query(RequestAttributesSequence=[query(ScheduledProcedureStepID="A")])
    other = query(RequestAttributesSequence=[query(ScheduledProcedureStepID="B")])
    assert matches(wanted["RequestAttributesSequence"], held)
    assert not matches(other["RequestAttributesSequence"], held)
