"""What becomes of a C-STORE: rows F13 to F15, F26 and F28."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import UID
from pynetdicom.dsutils import encode

from archive.encoding import reencode
from archive.server import ProfileServer
from archive.store import Arrival, ObjectStore
from dicom.datasets.codec import decode
from dicom.datasets.encoding import MalformedDatasetError
from dicom.datasets.fingerprint import fingerprint
from dicom.datasets.part10 import fingerprint_of
from tests.archive.conftest import MakeArchive
from tests.archive.peer import CT, EXPLICIT, IMPLICIT, MR, associated, image, store

ORTHANCS = pytest.mark.parametrize("profile", ["orthanc-1.10", "orthanc-1.12"])


def held_descriptions(server: ProfileServer) -> list[str]:
    return [str(dcmread(each.path).StudyDescription) for each in server.held()]


@ORTHANCS
def test_orthanc_keeps_exactly_the_dataset_that_it_was_sent(
    archive: MakeArchive, profile: str
) -> None:
    server = archive(profile)
    sent = image()
    content = encode(sent, False, True)
    assert content is not None
    assert store(server.dicom_port, sent) == [0]
    (held,) = server.held()
    assert fingerprint_of(held.path) == fingerprint(decode(content, EXPLICIT), EXPLICIT)


def test_dcm4chee_adds_the_issuer_of_the_patient_id_and_nothing_else(archive: MakeArchive) -> None:
    server = archive("dcm4chee-5.35")
    content = encode(image(), False, True)
    assert content is not None
    assert store(server.dicom_port, image()) == [0]
    (held,) = server.held()
    sent = fingerprint(decode(content, EXPLICIT), EXPLICIT)
    assert fingerprint_of(held.path).differences(sent) == ("00100021",)
    # Java: "PHANTOM^ADA".hashCode() and "".hashCode()
    assert dcmread(held.path).IssuerOfPatientID == f"DCM4CHEE.{_java('PHANTOM^ADA')}.00000000"


def _java(text: str) -> str:
    value = 0
    for character in text:
        value = (value * 31 + ord(character)) % 2**32
    return f"{value:08X}"


@pytest.mark.parametrize(
    ("profile", "policy", "kept"),
    [
        ("orthanc-1.10", None, "first"),
        ("orthanc-1.12", None, "first"),
        ("orthanc-1.12", "always", "second"),
        ("dcm4chee-5.35", None, "second"),
        ("dcm4chee-5.35", "never", "first"),
    ],
)
def test_the_same_instance_with_other_content_is_a_success_whichever_is_kept(
    archive: MakeArchive, profile: str, policy: str | None, kept: str
) -> None:
    server = archive(profile, overwrite_policy=policy)
    for description in ("first", "second"):
        assert store(server.dicom_port, image(StudyDescription=description)) == [0]
    assert held_descriptions(server) == [kept]


def test_dcm4chee_ignores_another_source_that_sends_an_instance_again(
    archive: MakeArchive,
) -> None:
    server = archive("dcm4chee-5.35")
    for calling, description in (("CT", "first"), ("OTHER", "second")):
        again = image(StudyDescription=description)
        assert store(server.dicom_port, again, calling=calling) == [0]
    assert held_descriptions(server) == ["first"]


@pytest.mark.parametrize(("profile", "held"), [("orthanc-1.10", 2), ("dcm4chee-5.35", 1)])
def test_the_same_instance_in_another_series_is_another_one_to_orthanc_only(
    archive: MakeArchive, profile: str, held: int
) -> None:
    server = archive(profile)
    moved = image(SeriesInstanceUID="2.25.1.9")
    assert store(server.dicom_port, image(), moved) == [0, 0]
    assert len(server.held()) == held


@pytest.mark.parametrize(("profile", "status"), [("orthanc-1.10", 0), ("dcm4chee-5.35", 0xA778)])
def test_a_second_patient_in_a_study_is_refused_by_dcm4chee_only(
    archive: MakeArchive, profile: str, status: int
) -> None:
    server = archive(profile)
    assert store(server.dicom_port, image(), image(2, PatientID="P2")) == [0, status]


def test_without_patient_id_orthanc_keeps_none_and_dcm4chee_makes_one(
    archive: MakeArchive,
) -> None:
    orthanc, dcm4chee = archive("orthanc-1.10"), archive("dcm4chee-5.35")
    anonymous = [image(1, PatientID=None), image(2, PatientID=None)]
    assert store(orthanc.dicom_port, *anonymous) == [0, 0]
    assert {each.patient_id for each in orthanc.held()} == {""}
    assert store(dcm4chee.dicom_port, *anonymous) == [0, 0]
    (made,) = {each.patient_id for each in dcm4chee.held()}
    assert made.startswith("P-")


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SeriesInstanceUID"])
@pytest.mark.parametrize(
    ("profile", "status"), [("orthanc-1.10", 0xA700), ("dcm4chee-5.35", 0x0110)]
)
def test_without_study_or_series_uid_nothing_is_kept(
    archive: MakeArchive, profile: str, status: int, keyword: str
) -> None:
    server = archive(profile)
    without: dict[str, Any] = {keyword: None}
    assert store(server.dicom_port, image(**without)) == [status]
    assert not server.held()


@pytest.mark.parametrize(
    ("profile", "status", "held"),
    [("orthanc-1.10", 0xA900, []), ("dcm4chee-5.35", 0x0000, [CT])],
)
def test_a_sop_class_other_than_the_commands_is_noticed_by_orthanc_only(
    archive: MakeArchive, profile: str, status: int, held: list[str]
) -> None:
    server = archive(profile)
    with associated(server.dicom_port, [(MR, EXPLICIT)]) as peer:
        answer = _send_as(peer.association, image(), MR)
    assert answer == status
    assert [each.sop_class for each in server.held()] == held


def _send_as(association: object, dataset: Dataset, sop_class: str) -> int:
    """C-STORE ``dataset`` with a command that names another SOP class."""

    class Lying(Dataset):
        @property
        def SOPClassUID(self) -> UID:
            return UID(sop_class)

    lying = Lying(dataset)
    lying.file_meta = dataset.file_meta
    lying.set_original_encoding(False, True)
    return int(association.send_c_store(lying).Status)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "content",
    [
        b"hello world ",
        (encode(image(), True, True) or b""),
        (encode(image(), False, True) or b"")[:-1000],
        (encode(image(), False, True) or b"") + b"\x00",
    ],
    ids=["garbage", "implicit instead of explicit", "cut off", "odd"],
)
def test_bytes_that_are_not_the_dataset_they_claim_to_be_are_noticed(content: bytes) -> None:
    with pytest.raises(MalformedDatasetError):
        decode(content, EXPLICIT)


def test_reencoding_changes_the_transfer_syntax_and_no_value(archive: MakeArchive) -> None:
    server = archive("orthanc-1.10")
    assert store(server.dicom_port, image()) == [0]
    (held,) = server.held()
    implicit = decode(reencode(held.path, held.transfer_syntax, IMPLICIT), IMPLICIT)
    assert not fingerprint(implicit, IMPLICIT).differences(fingerprint_of(held.path))


def arrival(number: int) -> Arrival:
    content = encode(image(number), False, True) or b""
    return Arrival(CT, f"2.25.{number}", "2.25.8", "2.25.9", "P1", "CT", EXPLICIT, "CT", content)


@pytest.mark.parametrize(
    "other",
    [
        arrival(1)._replace(patient_id="P2"),
        arrival(1)._replace(study="2.25.77"),
        arrival(1)._replace(series="2.25.77"),
    ],
    ids=["patient", "study", "series"],
)
def test_an_instance_is_never_overwritten_by_one_of_elsewhere(
    tmp_path: Path, other: Arrival
) -> None:
    objects = ObjectStore(tmp_path, "sop-instance")
    assert objects.add(arrival(1), "always") == "stored"
    assert objects.add(other, "always") == "ignored"
    assert objects.add(arrival(1), "always") == "replaced"
    (held,) = objects.select()
    assert (held.patient_id, held.study, held.series) == ("P1", "2.25.9", "2.25.8")
    objects.close()


def test_what_is_held_survives_the_process(tmp_path: Path) -> None:
    first = ObjectStore(tmp_path, "all-uids")
    assert first.add(arrival(1), "never") == "stored"
    # no close: the process may have been killed
    again = ObjectStore(tmp_path, "all-uids")
    assert [each.sop_instance for each in again.select()] == ["2.25.1"]
    first.close()
    again.close()


def test_a_full_disk_refuses_the_object_and_keeps_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = ObjectStore(tmp_path, "all-uids")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("archive.store.write_file_meta_info", full)
    with pytest.raises(OSError, match="No space left"):
        objects.add(arrival(1), "never")
    assert not objects.select()
    assert not list((tmp_path / "objects").iterdir())
    objects.close()


def test_emptying_removes_objects_and_files(tmp_path: Path) -> None:
    objects = ObjectStore(tmp_path, "sop-instance")
    objects.add(arrival(1), "never")
    objects.add(arrival(2), "never")
    assert objects.clear() == 2
    assert not objects.select()
    assert not list((tmp_path / "objects").iterdir())
    objects.close()
