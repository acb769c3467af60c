"""The control channel takes what the lab sends, and nothing that a stranger may slip in."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection

import pytest

from dicom.control import ControlError, ControlServer, call
from modalities.services.query import Find
from tests.modalities.peers import Conversation, ScriptedPeers
from tests.modalities.services.web.conftest import read_request
from tests.peers import LOOPBACK, PATIENCE


@pytest.fixture
def control() -> Iterator[ControlServer]:
    server = ControlServer({"double": lambda number: 2 * number}, LOOPBACK)
    yield server
    server.stop()


def post(control: ControlServer, headers: dict[str, str]) -> int:
    connection = HTTPConnection(LOOPBACK, control.port, timeout=PATIENCE)
    try:
        connection.request("POST", "/double", "3", headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_verb_is_called_with_the_body_and_answers_data(control: ControlServer) -> None:
    assert call(LOOPBACK, control.port, "double", 3, timeout=PATIENCE) == 6


def test_names_in_any_script_arrive_as_they_were() -> None:
    server = ControlServer({"same": lambda body: body}, LOOPBACK)
    name = Find.model_validate(
        {
            "target": {"host": LOOPBACK, "port": 104, "called": "PEER"},
            "caller": {"calling": "CT"},
            "keys": {"PatientName": "Phantöm^山田"},
        }
    )
    try:
        answer = call(LOOPBACK, server.port, "same", name, timeout=PATIENCE)
        assert answer["keys"]["PatientName"] == "Phantöm^山田"
        assert call(LOOPBACK, server.port, "same", "Größe", timeout=PATIENCE) == "Größe"
    finally:
        server.stop()


def test_a_verb_that_there_is_not_is_refused_with_those_that_there_are(
    control: ControlServer,
) -> None:
    with pytest.raises(ControlError, match="expected one of: double"):
        call(LOOPBACK, control.port, "treble", 3, timeout=PATIENCE)


@pytest.mark.parametrize("body", ["", "null", '"gone"'])
def test_another_server_s_refusal_is_told_with_its_status(peers: ScriptedPeers, body: str) -> None:
    def script(conversation: Conversation) -> None:
        read_request(conversation)
        head = f"HTTP/1.1 404 Not Found\r\nContent-Length: {len(body)}\r\n\r\n"
        conversation.send((head + body).encode())

    port = peers.play(script).port
    with pytest.raises(ControlError, match="refused 'double': HTTP 404 Not Found"):
        call(LOOPBACK, port, "double", 3, timeout=PATIENCE)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 200),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Content-Length": "-1"}, 413),
        ({"Content-Type": "application/json", "Content-Length": str(1 << 40)}, 413),
        ({"Content-Type": "application/json", "Content-Length": "three"}, 413),
    ],
)
def test_what_a_web_page_could_send_unasked_is_refused(
    control: ControlServer, headers: dict[str, str], status: int
) -> None:
    assert post(control, headers) == status
