"""DICOMweb of the profile archive: another maker's client, and who may do what (F20, F25)."""

from __future__ import annotations

import base64
import socket
from io import BytesIO

import pytest
import requests
from dicomweb_client.web import DICOMwebClient
from pydicom import dcmread
from requests.exceptions import HTTPError

from dicom.settings import ArchiveSettings
from dicom.web.multipart import read_parts
from tests.archive.peer import LOOPBACK, image, store
from tests.archive.web.origin import (
    EVERY,
    MULTIPART,
    PASSWORD,
    ROOTS,
    Origin,
    boundary,
    file,
    studies,
)
from tests.peers import PATIENCE

pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR")


@EVERY
def test_another_makers_client_stores_finds_and_retrieves(origin: Origin) -> None:
    client = origin.client()
    client.store_instances([image(1), image(2)])
    assert origin.held() == 2
    (found,) = client.search_for_studies(search_filters={"StudyInstanceUID": "2.25.1"})
    assert found["00201208"]["Value"] == [2]
    assert len(client.search_for_instances(study_instance_uid="2.25.1")) == 2
    received = client.retrieve_study("2.25.1", media_types=(("application/dicom", "*"),))
    assert sorted(each.SOPInstanceUID for each in received) == ["2.25.1.1.1", "2.25.1.1.2"]
    (one,) = (client.retrieve_instance_metadata("2.25.1", "2.25.1.1", "2.25.1.1.1"),)
    assert one["00100010"]["Value"] == [{"Alphabetic": "PHANTOM^ADA"}]


@EVERY
def test_a_long_request_may_come_in_chunks(origin: Origin) -> None:
    client = DICOMwebClient(origin.url, session=origin.client()._session, chunk_size=1000)
    client.store_instances([image(1), image(2), image(3)])
    assert origin.held() == 3


@EVERY
def test_objects_are_handed_out_over_dimse_and_web_alike(origin: Origin) -> None:
    assert store(origin.server.dicom_port, image(1)) == [0]
    answer = origin.get("/studies/2.25.1", f"{MULTIPART}; transfer-syntax=*")
    ((_, content),) = read_parts(BytesIO(answer.content), boundary(answer))
    held = dcmread(BytesIO(content))
    assert held.SOPInstanceUID == "2.25.1.1.1"
    assert held.PixelData == image(1).PixelData


@pytest.mark.parametrize(
    ("profile", "status"), [("orthanc-1.10", 401), ("orthanc-1.12", 401), ("dcm4chee-5.35", 200)]
)
@pytest.mark.parametrize("header", [None, "Basic !", "Bearer x", "Basic " + "bGFiOnBhc3M="])
def test_a_product_that_asks_for_a_password_takes_no_other(
    origin: Origin, status: int, header: str | None
) -> None:
    origin.post(file(1))
    headers = {} if header is None else {"Authorization": header}
    answer = requests.get(f"{origin.url}/studies", headers=headers, timeout=PATIENCE)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == 'Basic realm="Orthanc Secure Area"'


@EVERY
@pytest.mark.parametrize("path", ["/nonsense", "/patients", "/studies/1/frames", ""])
def test_what_is_no_resource_is_not_found(origin: Origin, path: str) -> None:
    assert origin.get(path).status_code == 404


@pytest.mark.parametrize("profile", ["dcm4chee-5.35"])
def test_the_path_names_the_archives_own_title(origin: Origin) -> None:
    base = f"http://{LOOPBACK}:{origin.server.web_port}/dcm4chee-arc/aets"
    wrong = requests.get(f"{base}/OTHER/rs/studies", timeout=PATIENCE)
    assert wrong.status_code == 404
    origin.server.configure(ArchiveSettings(aetitle="OTHER"))
    assert requests.get(f"{base}/OTHER/rs/studies", timeout=PATIENCE).status_code == 204


@EVERY
def test_a_study_can_not_be_deleted_there(origin: Origin) -> None:
    answer = requests.delete(f"{origin.url}/studies/2.25.1", auth=origin.auth, timeout=PATIENCE)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")


@EVERY
def test_the_control_channel_stays_where_it_is(origin: Origin) -> None:
    url = f"http://{LOOPBACK}:{origin.server.web_port}/system"
    assert requests.post(url, json=None, timeout=PATIENCE).status_code == 415
    headers = {"Content-Type": "application/json"}
    assert requests.post(url, "null", headers=headers, timeout=PATIENCE).json()["name"] == "ARCHIVE"


@pytest.mark.parametrize("profile", ["orthanc-1.12"])
def test_a_refused_client_hears_so_while_it_is_still_sending(origin: Origin) -> None:
    with socket.create_connection((LOOPBACK, origin.server.web_port), PATIENCE) as connection:
        head = f"POST {ROOTS[origin.profile]}/studies HTTP/1.1\r\nHost: x\r\n"
        connection.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode())
        for _ in range(100):
            connection.sendall(bytes(10_000))
        assert connection.recv(20).startswith(b"HTTP/1.1 401 ")


@EVERY
def test_an_archive_that_is_asked_for_nonsense_lives_on(filled: Origin) -> None:
    with socket.create_connection((LOOPBACK, filled.server.web_port), PATIENCE) as connection:
        connection.sendall(b"POST /dicom-web/studies HTTP/1.1\r\nContent-Length: x\r\n\r\n")
        connection.recv(100)
    with pytest.raises(HTTPError):
        filled.client().retrieve_study("2.25.9")
    assert studies(filled, "") == ["2.25.1", "2.25.2"]
    log = "\n".join(filled.server._journal.since(0)[1])
    assert "HTTP GET /studies/2.25.9 from 127.0.0.1: 404" in log
    assert PASSWORD not in log
    assert base64.b64encode(f"lab:{PASSWORD}".encode()).decode() not in log


@pytest.mark.parametrize("profile", ["orthanc-1.12"])
@pytest.mark.parametrize("size", [b"-1", b"+5", b"0x5", b"many"])
def test_a_chunk_without_a_size_ends_the_request(origin: Origin, size: bytes) -> None:
    head = f"POST {ROOTS[origin.profile]}/studies HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection((LOOPBACK, origin.server.web_port), PATIENCE) as client:
        client.sendall(head.encode() + size + b"\r\n\r\n")
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 ")


@pytest.mark.parametrize("profile", ["orthanc-1.12"])
def test_what_follows_a_body_in_chunks_is_the_next_request(origin: Origin) -> None:
    head = f"POST {ROOTS[origin.profile]}/studies HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    second = f"GET {ROOTS[origin.profile]}/nowhere HTTP/1.1\r\nConnection: close\r\n\r\n"
    with socket.create_connection((LOOPBACK, origin.server.web_port), PATIENCE) as client:
        client.sendall(head.encode() + b"2\r\nab\r\n0\r\n\r\n" + second.encode())
        answers = b"".join(iter(lambda: client.recv(1 << 16), b""))
    assert answers.count(b"HTTP/1.1 401 ") == 2
