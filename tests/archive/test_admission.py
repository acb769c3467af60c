"""Who is let in and what is offered, on the wire: rows F1 to F6 and F22."""

from __future__ import annotations

import socket

import pytest
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless

from tests.archive.conftest import MakeArchive, known
from tests.archive.peer import (
    CT,
    EXPLICIT,
    IMPLICIT,
    LOOPBACK,
    MR,
    STUDY_FIND,
    STUDY_GET,
    VERIFICATION,
    announce_pdu_length,
    associated,
    find,
    image,
    query,
    send_raw,
    store,
)

ORTHANCS = pytest.mark.parametrize("profile", ["orthanc-1.10", "orthanc-1.12"])
EVERY = pytest.mark.parametrize("profile", ["orthanc-1.10", "orthanc-1.12", "dcm4chee-5.35"])
ONE_STUDY = query(QueryRetrieveLevel="STUDY", StudyInstanceUID="2.25.1")


@ORTHANCS
def test_orthanc_takes_any_called_title_until_it_is_told_to_check(
    archive: MakeArchive, profile: str
) -> None:
    with associated(archive(profile).dicom_port, [(CT, EXPLICIT)], called="OTHER") as peer:
        assert peer.results == [0]
    checking = archive(profile, check_called_aetitle=True)
    with associated(checking.dicom_port, [(CT, EXPLICIT)], called="OTHER") as peer:
        assert peer.end == "RJ 1/1/7"


@ORTHANCS
def test_orthanc_compares_titles_without_case_until_it_is_strict(
    archive: MakeArchive, profile: str
) -> None:
    lax = archive(profile, check_called_aetitle=True)
    with associated(lax.dicom_port, [(CT, EXPLICIT)], called="archive") as peer:
        assert peer.results == [0]
    strict = archive(profile, check_called_aetitle=True, case_sensitive_aetitle=True)
    with associated(strict.dicom_port, [(CT, EXPLICIT)], called="archive") as peer:
        assert peer.end == "RJ 1/1/7"


@pytest.mark.parametrize("called", ["OTHER", "archive"])
def test_dcm4chee_always_checks_the_called_title_and_its_case(
    archive: MakeArchive, called: str
) -> None:
    server = archive("dcm4chee-5.35")
    with associated(server.dicom_port, [(CT, EXPLICIT)], called=called) as peer:
        assert peer.end == "RJ 1/1/7"


@EVERY
def test_an_unknown_caller_may_store_and_echo(archive: MakeArchive, profile: str) -> None:
    server = archive(profile)
    assert store(server.dicom_port, image(), calling="STRANGER") == [0]
    with associated(server.dicom_port, [(VERIFICATION, IMPLICIT)], calling="STRANGER") as peer:
        assert peer.association.send_c_echo().Status == 0


@ORTHANCS
def test_orthanc_aborts_a_query_of_an_unknown_caller_but_answers_a_known_one(
    archive: MakeArchive, profile: str
) -> None:
    server = archive(profile, known_aes=(known("KNOWN", 104),))
    stranger = find(server.dicom_port, ONE_STUDY, calling="STRANGER")
    assert (stranger.status, stranger.end) == (None, "ABORT 0/0")
    assert find(server.dicom_port, ONE_STUDY, calling="KNOWN").status == 0


def test_dcm4chee_answers_a_query_of_anyone(archive: MakeArchive) -> None:
    assert find(archive("dcm4chee-5.35").dicom_port, ONE_STUDY, calling="STRANGER").status == 0


@EVERY
def test_a_list_of_callers_rejects_whoever_is_not_on_it(archive: MakeArchive, profile: str) -> None:
    server = archive(profile, accepted_calling_aetitles=("GOOD",))
    assert store(server.dicom_port, image(), calling="GOOD") == [0]
    with associated(server.dicom_port, [(CT, EXPLICIT)], calling="BAD") as peer:
        assert peer.end == "RJ 1/1/3"


@ORTHANCS
def test_orthanc_lets_a_known_but_unlisted_caller_in_and_aborts_its_request(
    archive: MakeArchive, profile: str
) -> None:
    server = archive(profile, accepted_calling_aetitles=("GOOD",), known_aes=(known("PEER", 104),))
    with associated(server.dicom_port, [(CT, EXPLICIT)], calling="PEER") as peer:
        assert peer.results == [0]
        assert not peer.association.send_c_store(image())
        peer.association.join(timeout=10)
        assert peer.end == "ABORT 0/0"


@ORTHANCS
def test_orthanc_aborts_a_request_for_a_refused_service(archive: MakeArchive, profile: str) -> None:
    server = archive(profile, refused_services=("store",))
    with associated(server.dicom_port, [(CT, EXPLICIT)]) as peer:
        assert peer.results == [0]
        assert not peer.association.send_c_store(image())
        peer.association.join(timeout=10)
        assert peer.end == "ABORT 0/0"


def test_dcm4chee_does_not_offer_a_refused_service(archive: MakeArchive) -> None:
    server = archive("dcm4chee-5.35", refused_services=("store", "find"))
    proposals = [(CT, EXPLICIT), (STUDY_FIND, IMPLICIT), (STUDY_GET, IMPLICIT)]
    with associated(server.dicom_port, proposals) as peer:
        assert peer.results == [3, 3, 0]


@EVERY
def test_a_sop_class_that_is_not_accepted_is_refused_with_result_3(
    archive: MakeArchive, profile: str
) -> None:
    server = archive(profile, accepted_sop_classes=("MRImageStorage",))
    with associated(server.dicom_port, [(CT, EXPLICIT), (MR, EXPLICIT)]) as peer:
        assert peer.results == [3, 0]


@EVERY
def test_a_private_sop_class_is_unknown_until_unknown_ones_are_accepted(
    archive: MakeArchive, profile: str
) -> None:
    private = "1.3.12.2.1107.5.9.1"
    worklist = "1.2.840.10008.5.1.4.31"
    with associated(archive(profile).dicom_port, [(private, EXPLICIT)]) as peer:
        assert peer.results == [3]
    open_minded = archive(profile, accept_unknown_sop_classes=True)
    proposals = [(private, EXPLICIT), (worklist, IMPLICIT)]
    with associated(open_minded.dicom_port, proposals) as peer:
        assert peer.results == [0, 3]


@pytest.mark.parametrize(
    ("profile", "result"), [("orthanc-1.10", 3), ("orthanc-1.12", 3), ("dcm4chee-5.35", 4)]
)
def test_each_vendor_refuses_a_storage_transfer_syntax_with_its_own_result(
    archive: MakeArchive, profile: str, result: int
) -> None:
    server = archive(profile, accepted_transfer_syntaxes=("ImplicitVRLittleEndian",))
    with associated(server.dicom_port, [(CT, JPEG2000Lossless), (CT, IMPLICIT)]) as peer:
        assert peer.results == [result, 0]


def test_dcm4chee_takes_nothing_but_implicit_vr_outside_storage(archive: MakeArchive) -> None:
    proposals = [
        (VERIFICATION, EXPLICIT),
        (STUDY_FIND, EXPLICIT),
        (VERIFICATION, IMPLICIT),
        (CT, ExplicitVRBigEndian),
    ]
    with associated(archive("dcm4chee-5.35").dicom_port, proposals) as peer:
        assert peer.results == [4, 4, 0, 4]


@pytest.mark.parametrize(
    ("profile", "chosen"),
    [("orthanc-1.10", EXPLICIT), ("orthanc-1.12", IMPLICIT), ("dcm4chee-5.35", IMPLICIT)],
)
def test_who_chooses_among_several_transfer_syntaxes_differs(
    archive: MakeArchive, profile: str, chosen: str
) -> None:
    with associated(archive(profile).dicom_port, [(CT, [IMPLICIT, EXPLICIT])]) as peer:
        assert peer.syntaxes == [chosen]


@pytest.mark.parametrize(
    ("profile", "length"),
    [("orthanc-1.10", 16384), ("orthanc-1.12", 16384), ("dcm4chee-5.35", 16378)],
)
def test_the_announced_maximum_pdu_length_is_the_vendors(
    archive: MakeArchive, profile: str, length: int
) -> None:
    with associated(archive(profile).dicom_port, [(CT, EXPLICIT)]) as peer:
        assert peer.association.acceptor.maximum_length == length
    with associated(archive(profile, max_pdu_length=5000).dicom_port, [(CT, EXPLICIT)]) as peer:
        assert peer.association.acceptor.maximum_length == 5000


@pytest.mark.parametrize(
    ("profile", "status", "end"),
    [("orthanc-1.10", None, "ABORT 0/0"), ("dcm4chee-5.35", 0x0000, "")],
)
def test_a_pdu_above_the_announced_maximum_is_aborted_or_taken(
    archive: MakeArchive, profile: str, status: int | None, end: str
) -> None:
    server = archive(profile)
    with associated(server.dicom_port, [(CT, EXPLICIT)]) as peer:
        announce_pdu_length(peer, 131072)
        answer = peer.association.send_c_store(image())
        if status is None:
            peer.association.join(timeout=10)
        assert (answer.get("Status"), peer.end) == (status, end)
    assert len(server.held()) == (0 if status is None else 1)


#: Profile, and how it aborts: a PDU too long for it, one that is not due, one of no known type.
REACTIONS = [
    ("orthanc-1.10", "ABORT 0/0", "ABORT 2/2", "ABORT 0/0"),
    ("orthanc-1.12", "ABORT 0/0", "ABORT 2/2", "ABORT 0/0"),
    ("dcm4chee-5.35", "ABORT 2/6", "ABORT 2/2", "ABORT 2/1"),
]


@pytest.mark.parametrize(("profile", "longer", "not_due", "unknown"), REACTIONS)
def test_a_pdu_is_refused_by_its_header(
    archive: MakeArchive, profile: str, longer: str, not_due: str, unknown: str
) -> None:
    port = archive(profile).dicom_port
    sent = {
        b"\x04\x00\xff\xff\xff\xff": longer,
        b"\x06\x00\x00\x00\x00\x04\x00\x00\x00\x00": not_due,
        b"\x08\x00\xff\xff\xff\xff": unknown,
    }
    for pdu, end in sent.items():
        with associated(port, [(CT, EXPLICIT)]) as peer:
            send_raw(peer, pdu)
            peer.association.join(timeout=10)
            assert peer.end == end


@pytest.mark.parametrize(
    ("profile", "answer"),
    [
        ("orthanc-1.10", b"\x07\x00\x00\x00\x00\x04\x00\x00\x00\x00"),
        ("orthanc-1.12", b"\x07\x00\x00\x00\x00\x04\x00\x00\x00\x00"),
        ("dcm4chee-5.35", b""),
    ],
)
def test_data_before_any_association_are_aborted_or_the_connection_closed(
    archive: MakeArchive, profile: str, answer: bytes
) -> None:
    with socket.create_connection((LOOPBACK, archive(profile).dicom_port), timeout=10) as early:
        early.sendall(b"\x04\x00\x00\x00\x00\x04\x00\x00\x00\x00")
        assert b"".join(iter(lambda: early.recv(64), b"")) == answer


@EVERY
def test_an_abort_that_is_cut_short_ends_the_association(
    archive: MakeArchive, profile: str
) -> None:
    server = archive(profile)
    with associated(server.dicom_port, [(CT, EXPLICIT)]) as peer:
        send_raw(peer, b"\x07\x00\x00\x00\x00\x00")
        peer.association.join(timeout=10)
        assert peer.end.startswith("ABORT")
    assert store(server.dicom_port, image()) == [0]


def test_dcm4chee_rejects_what_exceeds_its_limit_of_associations(archive: MakeArchive) -> None:
    server = archive("dcm4chee-5.35", max_associations=1)
    with associated(server.dicom_port, [(CT, EXPLICIT)]) as first:
        with associated(server.dicom_port, [(CT, EXPLICIT)]) as second:
            assert second.end == "RJ 2/3/2"
        assert first.association.is_established


@EVERY
def test_an_idle_association_is_aborted(archive: MakeArchive, profile: str) -> None:
    server = archive(profile, idle_timeout=0.2)
    with associated(server.dicom_port, [(CT, EXPLICIT)]) as peer:
        peer.association.join(timeout=10)
        assert peer.end == "ABORT 0/0"


@pytest.mark.parametrize("content", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello"])
@pytest.mark.parametrize(("profile", "how"), [("orthanc-1.10", "reset"), ("dcm4chee-5.35", "end")])
def test_bytes_that_are_not_dicom_end_the_connection(
    archive: MakeArchive, profile: str, how: str, content: bytes
) -> None:
    with socket.create_connection((LOOPBACK, archive(profile).dicom_port), timeout=10) as client:
        client.sendall(content)
        if how == "reset":
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        else:
            assert client.recv(1) == b""


def test_a_silent_connection_holds_up_orthanc_until_it_ends(archive: MakeArchive) -> None:
    server = archive("orthanc-1.10")
    silent = socket.create_connection((LOOPBACK, server.dicom_port), timeout=10)
    waiting = socket.create_connection((LOOPBACK, server.dicom_port), timeout=10)
    waiting.sendall(b"garbage")
    waiting.settimeout(0.2)
    with pytest.raises(TimeoutError):
        waiting.recv(1)
    silent.close()
    waiting.settimeout(10)
    with pytest.raises(ConnectionResetError):
        waiting.recv(1)
    waiting.close()


def test_a_silent_connection_does_not_hold_up_dcm4chee(archive: MakeArchive) -> None:
    server = archive("dcm4chee-5.35")
    with socket.create_connection((LOOPBACK, server.dicom_port), timeout=10):
        assert store(server.dicom_port, image()) == [0]


def test_new_settings_hold_for_new_associations_and_spare_open_ones(archive: MakeArchive) -> None:
    server = archive("orthanc-1.10")
    with associated(server.dicom_port, [(CT, EXPLICIT)]) as open_before:
        server.configure(server.settings.model_copy(update={"refused_services": ("store",)}))
        assert open_before.association.send_c_store(image()).Status == 0
    with associated(server.dicom_port, [(CT, EXPLICIT)]) as peer:
        assert not peer.association.send_c_store(image(2))
    assert len(server.held()) == 1
