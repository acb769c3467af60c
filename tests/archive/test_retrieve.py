"""C-MOVE, C-GET and forwarding: rows F4c and F7 to F10."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from pydicom.uid import ExplicitVRBigEndian
from pynetdicom import evt
from pynetdicom.dsutils import encode

from archive.configuration import ForwardOrder
from archive.server import ProfileServer
from dicom.datasets.codec import decode
from dicom.datasets.fingerprint import fingerprint
from dicom.datasets.part10 import fingerprint_of
from dicom.settings import KnownAE
from tests.archive.conftest import MakeArchive, known
from tests.archive.peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    LOOPBACK,
    MR,
    PATIENT_MOVE,
    STUDY_GET,
    Destination,
    associated,
    destination,
    get,
    image,
    move,
    query,
    store,
)
from tests.peers import reserved_port

STUDY = query(QueryRetrieveLevel="STUDY", StudyInstanceUID="2.25.1")
NOTHING = query(QueryRetrieveLevel="STUDY", StudyInstanceUID="2.25.404")
ZEROS = {"completed": 0, "failed": 0, "warning": 0}
EVERY = pytest.mark.parametrize("profile", ["orthanc-1.10", "orthanc-1.12", "dcm4chee-5.35"])
ORDER = ForwardOrder(study="2.25.1", to="DEST")


@contextmanager
def with_study(
    archive: MakeArchive, profile: str, to: Destination | None, **settings: object
) -> Iterator[ProfileServer]:
    """An archive that holds two CT images and an MR of one study and knows CT, DEST and DEAD."""
    known_aes = [known("CT", 104), known("DEAD", reserved_port())]
    if to is not None:
        known_aes.append(known("DEST", to.port))
    server = archive(profile, known_aes=tuple(known_aes), **settings)
    mr = image(3, SOPClassUID=MR, Modality="MR", SeriesInstanceUID="2.25.1.2")
    assert store(server.dicom_port, image(1), image(2), mr) == [0, 0, 0]
    yield server


@EVERY
def test_a_move_delivers_every_object_in_the_name_of_the_archive(
    archive: MakeArchive, profile: str
) -> None:
    with destination("DEST") as to, with_study(archive, profile, to) as server:
        answers = move(server.dicom_port, STUDY, "DEST")
        assert answers.status == 0x0000
        assert answers.counters == {"completed": 3, "failed": 0, "warning": 0}
        assert sorted(str(each.SOPInstanceUID) for each in to.received) == [
            "2.25.1.1.1",
            "2.25.1.1.2",
            "2.25.1.1.3",
        ]
        assert set(to.origins) == {("ARCHIVE", "CT", 1)}
        held = {fingerprint_of(each.path).digest for each in server.held()}
        assert {fingerprint(each, EXPLICIT).digest for each in to.received} == held


@pytest.mark.parametrize(
    ("profile", "pending"), [("orthanc-1.10", 2), ("orthanc-1.12", 2), ("dcm4chee-5.35", 1)]
)
def test_pending_responses_come_as_the_vendor_sends_them(
    archive: MakeArchive, profile: str, pending: int
) -> None:
    with destination("DEST") as to, with_study(archive, profile, to) as server:
        assert move(server.dicom_port, STUDY, "DEST").pending == pending


@pytest.mark.parametrize(
    ("to", "orthanc", "dcm4chee"),
    [
        ("NOWHERE", (0xC000, ""), (0xA801, "Unknown AE: NOWHERE")),
        ("DEAD", (0xC000, ""), (0xA702, "Connection refused")),
        ("DEST", (0xC000, ""), (0xA702, "A-ASSOCIATE-RJ[result: 1, source: 1, reason: 7]")),
    ],
    ids=["unknown", "unreachable", "renamed"],
)
def test_a_destination_that_can_not_be_reached_is_reported_in_the_vendors_way(
    archive: MakeArchive, to: str, orthanc: tuple[int, str], dcm4chee: tuple[int, str]
) -> None:
    seen = []
    with destination("RENAMED", strict=True) as other:
        for profile in ("orthanc-1.10", "dcm4chee-5.35"):
            with with_study(archive, profile, other) as server:
                answers = move(server.dicom_port, STUDY, to)
                seen.append((answers.status, answers.comment, answers.counters))
    assert seen == [(*orthanc, ZEROS), (*dcm4chee, {})]


def test_an_asynchronous_move_claims_success_while_nothing_arrives(archive: MakeArchive) -> None:
    with with_study(archive, "orthanc-1.12", None, synchronous_move=False) as server:
        answers = move(server.dicom_port, STUDY, "DEAD")
        assert (answers.status, answers.counters["completed"]) == (0x0000, 3)


def test_orthanc_stops_at_the_first_object_that_can_not_be_sent(archive: MakeArchive) -> None:
    with (
        destination("DEST", classes=[MR]) as to,
        with_study(archive, "orthanc-1.10", to) as server,
    ):
        answers = move(server.dicom_port, STUDY, "DEST")
        assert (answers.status, answers.counters, answers.failed) == (0xC000, ZEROS, [])
        # the newest first: the MR goes, then the first CT fails
        assert [str(each.SOPClassUID) for each in to.received] == [MR]


def test_dcm4chee_sends_what_it_can_and_lists_the_rest(archive: MakeArchive) -> None:
    with (
        destination("DEST", classes=[MR]) as to,
        with_study(archive, "dcm4chee-5.35", to) as server,
    ):
        answers = move(server.dicom_port, STUDY, "DEST")
        assert answers.status == 0xB000
        assert answers.counters == {"completed": 1, "failed": 2, "warning": 0}
        assert answers.failed == ["2.25.1.1.1", "2.25.1.1.2"]
        assert len(to.received) == 1


@pytest.mark.parametrize(
    ("profile", "status", "counters", "tried"),
    [
        ("orthanc-1.10", 0xC000, ZEROS, 1),
        ("dcm4chee-5.35", 0xA702, {"completed": 0, "failed": 3, "warning": 0}, 3),
    ],
)
def test_a_destination_that_refuses_every_object(
    archive: MakeArchive, profile: str, status: int, counters: dict[str, int], tried: int
) -> None:
    with (
        destination("DEST", status=0xA700) as to,
        with_study(archive, profile, to) as server,
    ):
        answers = move(server.dicom_port, STUDY, "DEST")
        assert (answers.status, answers.counters) == (status, counters)
        assert len(to.received) == tried


@pytest.mark.parametrize(
    ("profile", "counted"), [("orthanc-1.10", "completed"), ("dcm4chee-5.35", "warning")]
)
def test_a_warning_of_the_destination_is_a_success(
    archive: MakeArchive, profile: str, counted: str
) -> None:
    with (
        destination("DEST", status=0xB000) as to,
        with_study(archive, profile, to) as server,
    ):
        answers = move(server.dicom_port, STUDY, "DEST")
        assert (answers.status, answers.counters) == (0x0000, {**ZEROS, counted: 3})


@pytest.mark.parametrize(
    ("profile", "status", "counters"),
    [("orthanc-1.10", 0xC000, ZEROS), ("orthanc-1.12", 0xC000, ZEROS), ("dcm4chee-5.35", 0, {})],
)
def test_a_retrieve_that_matches_nothing(
    archive: MakeArchive, profile: str, status: int, counters: dict[str, int]
) -> None:
    with destination("DEST") as to, with_study(archive, profile, to) as server:
        moved = move(server.dicom_port, NOTHING, "DEST")
        fetched = get(server.dicom_port, NOTHING, {CT: EXPLICIT}, roles=[CT])
        assert (moved.status, moved.counters) == (status, counters)
        assert (fetched.status, fetched.counters) == (status, counters)


def test_orthanc_guesses_the_level_of_a_move_and_takes_patient_level_in_study_root(
    archive: MakeArchive,
) -> None:
    with destination("DEST") as to, with_study(archive, "orthanc-1.12", to) as server:
        assert move(server.dicom_port, query(StudyInstanceUID="2.25.1"), "DEST").status == 0
        patient = query(QueryRetrieveLevel="PATIENT", PatientID="P1")
        assert move(server.dicom_port, patient, "DEST").status == 0
        assert len(to.received) == 6


def test_dcm4chee_takes_patient_level_in_patient_root_only(archive: MakeArchive) -> None:
    patient = query(QueryRetrieveLevel="PATIENT", PatientID="P1")
    with destination("DEST") as to, with_study(archive, "dcm4chee-5.35", to) as server:
        assert move(server.dicom_port, patient, "DEST").status == 0xA900
        assert move(server.dicom_port, patient, "DEST", PATIENT_MOVE).status == 0
        assert len(to.received) == 3


@EVERY
def test_a_get_brings_every_object_on_the_same_association(
    archive: MakeArchive, profile: str
) -> None:
    received: list[str] = []

    def keep(event: Any) -> int:
        received.append(str(event.request.AffectedSOPInstanceUID))
        return 0

    with with_study(archive, profile, None) as server:
        classes = {CT: EXPLICIT, MR: EXPLICIT}
        answers = get(server.dicom_port, STUDY, classes, roles=[CT, MR], on_store=keep)
        assert (answers.status, answers.counters["completed"]) == (0x0000, 3)
        assert sorted(received) == ["2.25.1.1.1", "2.25.1.1.2", "2.25.1.1.3"]


def test_a_get_whose_objects_are_answered_without_a_status_brought_nothing(
    archive: MakeArchive,
) -> None:
    def answer_without(event: Any) -> None:
        if type(event.message).__name__ == "C_STORE_RSP":
            del event.message.command_set.Status

    with (
        with_study(archive, "dcm4chee-5.35", None) as server,
        associated(server.dicom_port, [(STUDY_GET, IMPLICIT), (CT, EXPLICIT)], roles=[CT]) as peer,
    ):
        peer.association.bind(evt.EVT_C_STORE, lambda _: 0x0000)
        peer.association.bind(evt.EVT_DIMSE_SENT, answer_without)
        *_, (final, _) = peer.association.send_c_get(STUDY, STUDY_GET)
    assert final.NumberOfCompletedSuboperations == 0
    assert final.NumberOfFailedSuboperations == 3


@EVERY
def test_a_get_without_role_selection_fails_for_every_object(
    archive: MakeArchive, profile: str
) -> None:
    with with_study(archive, profile, None) as server:
        answers = get(server.dicom_port, STUDY, {CT: EXPLICIT, MR: EXPLICIT})
        assert (answers.status, answers.counters["failed"]) == (0xA702, 3)


@pytest.mark.parametrize(
    ("profile", "status", "failed", "listed"),
    [("orthanc-1.10", 0xC000, 1, 0), ("dcm4chee-5.35", 0xA702, 3, 3)],
)
def test_a_get_without_a_storage_context(
    archive: MakeArchive, profile: str, status: int, failed: int, listed: int
) -> None:
    with with_study(archive, profile, None) as server:
        answers = get(server.dicom_port, STUDY, {})
        assert (answers.status, answers.counters["failed"]) == (status, failed)
        assert len(answers.failed) == listed


@EVERY
def test_objects_are_reencoded_for_a_destination_that_takes_implicit_vr_only(
    archive: MakeArchive, profile: str
) -> None:
    with (
        destination("DEST", syntaxes=[IMPLICIT]) as to,
        with_study(archive, profile, to) as server,
    ):
        assert move(server.dicom_port, STUDY, "DEST").status == 0
        held = {fingerprint_of(each.path).digest for each in server.held()}
        assert {fingerprint(each, IMPLICIT).digest for each in to.received} == held


def test_big_endian_objects_are_sent_in_little_endian_with_the_same_pixels(
    archive: MakeArchive,
) -> None:
    dataset = image()
    words = dataset.PixelData
    swapped = bytes(byte for pair in zip(words[1::2], words[::2], strict=True) for byte in pair)
    dataset.PixelData = swapped
    content = encode(dataset, False, False)
    assert content is not None
    big = decode(content, ExplicitVRBigEndian)
    big.file_meta = image().file_meta
    big.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    with destination("DEST") as to:
        server = archive("orthanc-1.10", known_aes=(known("DEST", to.port),))
        with associated(server.dicom_port, [(CT, ExplicitVRBigEndian)]) as peer:
            assert peer.association.send_c_store(big).Status == 0
        assert server.forward(ORDER).claims_success
        assert to.received[0].PixelData == words


@pytest.mark.parametrize(
    ("profile", "problem", "status", "body"),
    [
        ("orthanc-1.10", "none", 200, '{"completed": 3}'),
        ("dcm4chee-5.35", "none", 200, '{"completed": 3}'),
        ("orthanc-1.10", "unknown", 404, '"unknown AE: DEST"'),
        ("dcm4chee-5.35", "unknown", 404, '"unknown AE: DEST"'),
        ("orthanc-1.10", "class", 500, '"failed": 1'),
        ("dcm4chee-5.35", "class", 206, '"completed": 1, "failed": 2'),
        ("orthanc-1.10", "renamed", 500, "A-ASSOCIATE-RJ[result: 1, source: 1, reason: 7]"),
        ("dcm4chee-5.35", "renamed", 502, "A-ASSOCIATE-RJ[result: 1, source: 1, reason: 7]"),
    ],
)
def test_forwarding_is_answered_as_the_vendors_web_interface_does(
    archive: MakeArchive, profile: str, problem: str, status: int, body: str
) -> None:
    with ExitStack() as stack:
        to = None
        if problem != "unknown":
            title = "RENAMED" if problem == "renamed" else "DEST"
            classes = [MR] if problem == "class" else [CT, MR]
            to = stack.enter_context(
                destination(title, classes=classes, strict=problem == "renamed")
            )
        server = stack.enter_context(with_study(archive, profile, to))
        report = server.forward(ORDER)
    assert report.http_status == status
    assert report.claims_success is (status == 200)
    assert body in report.body


def test_a_destination_that_answers_without_a_status_took_nothing(archive: MakeArchive) -> None:
    with destination("DEST", status=None) as to, with_study(archive, "orthanc-1.12", to) as server:
        answers = move(server.dicom_port, STUDY, "DEST")
    assert answers.status == 0xC000
    assert len(to.received) == 1


@pytest.mark.parametrize(
    ("host", "port", "stopped"),
    [("no-such-host.invalid", 104, "resolve: unresolved"), (LOOPBACK, 0, "connect: refused")],
)
def test_forwarding_says_what_stopped_it_before_the_wire(
    archive: MakeArchive, host: str, port: int, stopped: str
) -> None:
    with with_study(archive, "orthanc-1.12", None) as server:
        dest = KnownAE(title="DEST", host=host, port=port or reserved_port())
        server.configure(server.settings.model_copy(update={"known_aes": (dest,)}))
        report = server.forward(ORDER)
    assert str(report.stopped) == stopped
