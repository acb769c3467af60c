"""The REST client against documented answers."""

from __future__ import annotations

import pytest

from orchestrator.errors import LabError
from orchestrator.stacks.dcm4chee.rest import Dcm4cheeRest
from orchestrator.stacks.web_api import Credentials, WebApi
from tests.orchestrator.stacks.dcm4chee.conftest import MakeObject
from tests.orchestrator.stacks.dcm4chee.fake_dcm4chee import FakeDcm4chee, remote


def test_started_is_believed_only_when_the_archive_says_so(
    rest: Dcm4cheeRest, fake: FakeDcm4chee
) -> None:
    assert rest.started()
    fake.status = "STOPPED"
    assert not rest.started()


def test_wildfly_before_the_archive_is_deployed_is_not_started(
    rest: Dcm4cheeRest, fake: FakeDcm4chee
) -> None:
    fake.fail_next["GET /ctrl/status"] = (404, "<html>404 - Not Found</html>", {})
    assert not rest.started()


def test_nobody_there_is_not_started() -> None:
    rest = Dcm4cheeRest(WebApi("DCM4CHEE (archive)", "http://127.0.0.1:9", timeout=1))
    assert not rest.started()


@pytest.mark.parametrize("page_limit", [1000, 100])
def test_every_study_is_listed_even_where_the_server_cuts_its_pages_shorter(
    rest: Dcm4cheeRest, fake: FakeDcm4chee, page_limit: int
) -> None:
    fake.page_limit = page_limit
    fake.studies = {f"1.2.{number}": [] for number in range(1201)}
    assert rest.studies() == tuple(fake.studies)


def test_objects_come_back_byte_for_byte(
    rest: Dcm4cheeRest, fake: FakeDcm4chee, make_object: MakeObject
) -> None:
    fake.hold(make_object("1.2.3", 1), make_object("1.2.3", 2), make_object("1.2.4", 1))
    held = rest.fingerprints("1.2.3")
    assert [each.sop_instance_uid for each in held] == ["1.2.3.1", "1.2.3.2"]
    assert held[0].elements.keys() >= {"7FE00010", "00100020"}
    assert rest.fingerprints("1.2.9") == ()


def test_objects_that_the_archive_lost_are_an_error_with_its_own_words(
    rest: Dcm4cheeRest, fake: FakeDcm4chee
) -> None:
    fake.fail_next["GET /aets/AS_RECEIVED/rs/studies"] = (
        206,
        b"",
        {"Warning": '299 archive:8080 "1 objects no longer accessible."'},
    )
    with pytest.raises(LabError, match=r"206 Partial Content.*1 objects no longer accessible"):
        rest.fingerprints("1.2.3")


def test_an_answer_cut_off_is_an_error(rest: Dcm4cheeRest, fake: FakeDcm4chee) -> None:
    fake.fail_next["GET /aets/AS_RECEIVED/rs/studies"] = (
        200,
        b"--b\r\n\r\nDICM",
        {"Content-Type": "multipart/related;boundary=b"},
    )
    with pytest.raises(LabError, match="cut off"):
        rest.fingerprints("1.2.3")


def test_a_study_is_rejected_before_it_is_deleted(
    rest: Dcm4cheeRest, fake: FakeDcm4chee, make_object: MakeObject
) -> None:
    fake.hold(make_object("1.2.3", 1))
    rest.delete_study("DCM4CHEE", "1.2.3")
    assert fake.studies == {}
    assert fake.calls == [
        "POST /aets/DCM4CHEE/rs/studies/1.2.3/reject/113001%5EDCM",
        "DELETE /aets/DCM4CHEE/rs/studies/1.2.3",
    ]
    rest.delete_study("DCM4CHEE", "1.2.3")


def test_objects_given_over_the_web_are_held(
    rest: Dcm4cheeRest, fake: FakeDcm4chee, make_object: MakeObject
) -> None:
    rest.store("DCM4CHEE", [make_object("1.2.3", 1), make_object("1.2.4", 1)])
    assert fake.studies["1.2.3"] == [make_object("1.2.3", 1)]
    assert rest.studies() == ("1.2.3", "1.2.4")


def test_partial_success_of_a_stow_is_not_taken_for_success(
    rest: Dcm4cheeRest, make_object: MakeObject
) -> None:
    with pytest.raises(LabError, match=r"with 202, expected 200: 299 archive:8080 some failed"):
        rest.store("DCM4CHEE", [make_object("1.2.3", 1), b"not DICOM"])
    with pytest.raises(LabError, match="with 409"):
        rest.store("DCM4CHEE", [b"not DICOM"])


def test_export_reports_what_the_archive_says(
    rest: Dcm4cheeRest, fake: FakeDcm4chee, make_object: MakeObject
) -> None:
    fake.hold(make_object("1.2.3", 1), make_object("1.2.3", 2))
    sent = rest.export("DCM4CHEE", "1.2.3", "STORESCP")
    assert (sent.claims_success, sent.http_status, sent.body) == (True, 200, '{"completed": 2}')
    assert fake.calls == ["POST /aets/DCM4CHEE/rs/studies/1.2.3/export/dicom:STORESCP"]
    unknown = rest.export("DCM4CHEE", "1.2.3", "NOBODY")
    assert (unknown.claims_success, unknown.http_status) == (False, 404)
    assert "Unknown AE: NOBODY" in unknown.body


def test_export_that_fails_keeps_warning_and_counts(rest: Dcm4cheeRest, fake: FakeDcm4chee) -> None:
    fake.fail_next["POST /aets/DCM4CHEE/rs/studies"] = (
        502,
        {"completed": 0, "failed": 2, "error": "A-ASSOCIATE-RJ[result: 1"},
        {"Warning": "A801: Refused: Move Destination unknown"},
    )
    failed = rest.export("DCM4CHEE", "1.2.3", "STORESCP")
    assert not failed.claims_success
    assert failed.http_status == 502
    assert "A801: Refused: Move Destination unknown" in failed.body
    assert "A-ASSOCIATE-RJ[result: 1" in failed.body
    fake.fail_next["POST /aets/DCM4CHEE/rs/studies"] = (206, {"completed": 1, "failed": 1}, {})
    assert not rest.export("DCM4CHEE", "1.2.3", "STORESCP").claims_success


@pytest.mark.parametrize(
    ("status", "words", "advice"),
    [
        (400, "Missing property: dicomAETitle", "log"),
        (404, "no such device", "device name"),
        (409, "already registered", "Somebody else has that name"),
        (401, "", "credentials"),
    ],
)
def test_refusals_say_what_was_expected_and_what_to_do(
    rest: Dcm4cheeRest, fake: FakeDcm4chee, status: int, words: str, advice: str
) -> None:
    fake.fail_next["PUT /devices/ct"] = (status, words, {})
    with pytest.raises(LabError) as caught:
        rest.replace_device("ct", remote("ct", "CT"))
    message = str(caught.value)
    assert f"with {status}, expected 200 or 204" in message
    assert words in message
    assert advice in message


def test_an_answer_that_is_not_json_says_which_server_gave_it(
    rest: Dcm4cheeRest, fake: FakeDcm4chee
) -> None:
    fake.fail_next["GET /aes"] = (200, "<html>", {})
    with pytest.raises(LabError, match=r"not JSON.*right server"):
        rest.aes()


def test_credentials_are_sent_as_asked_for(fake: FakeDcm4chee) -> None:
    for credentials in (Credentials("u", "hidden"), Credentials(token="hidden")):
        Dcm4cheeRest(WebApi("site", fake.url, credentials)).aes()
        assert "hidden" not in repr(credentials)
    assert fake.authorizations == {"Basic dTpoaWRkZW4=", "Bearer hidden"}
