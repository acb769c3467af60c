"""A modality, a study, and the real Orthanc with its DICOMweb plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from dicom.association.ends import Timeouts
from dicom.web.target import WebAuth, WebTarget
from modalities.generation import WrittenFile
from tests.modalities.peers import Conversation, ScriptedPeers
from tests.peers import LOOPBACK, PATIENCE, Orthanc, dicomweb_plugin, running_orthanc

#: A server that answers every request with these bytes.
Answering = Callable[[bytes], WebTarget]


@pytest.fixture
def timeouts() -> Timeouts:
    """Of a modality that waits for a busy machine."""
    return Timeouts(connect=PATIENCE, acse=PATIENCE, dimse=PATIENCE, network=PATIENCE)


@pytest.fixture
def files(tmp_path: Path, study: list[WrittenFile]) -> tuple[str, ...]:
    """The study's files as commands name them."""
    return tuple(str(each.path.relative_to(tmp_path)) for each in study)


@pytest.fixture
def answering(peers: ScriptedPeers) -> Answering:
    def start(answer: bytes) -> WebTarget:
        def script(conversation: Conversation) -> None:
            read_request(conversation)
            conversation.send(answer)

        return web_target(peers, script)

    return start


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Orthanc, WebTarget]]:
    """Orthanc, asking for a password, and where its DICOMweb services are."""
    settings: Mapping[str, object] = {"Plugins": [dicomweb_plugin()]}
    with running_orthanc(tmp_path_factory.mktemp("orthanc"), settings) as orthanc:
        port = int(orthanc.url.rpartition(":")[2])
        yield orthanc, WebTarget(host=LOOPBACK, port=port, root="/dicom-web")


@pytest.fixture
def server(origin: tuple[Orthanc, WebTarget]) -> WebTarget:
    """The DICOMweb services of an empty Orthanc."""
    orthanc, target = origin
    orthanc.empty()
    return target


def web_target(peers: ScriptedPeers, script: Callable[[Conversation], None]) -> WebTarget:
    """A server on loopback that plays ``script`` for each connection."""
    address = peers.play(script)
    auth = WebAuth(user="lab", password="secret")
    return WebTarget(host=address.host, port=address.port, root="/web", auth=auth)


def read_request(conversation: Conversation) -> tuple[str, bytes]:
    """Head and body of an HTTP request whose length is announced."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = conversation.connection.recv(1)
        if not byte:
            raise ConnectionError(f"the request ended after {head!r}")
        head += byte
    text = head.decode("latin-1")
    lengths = [
        int(line.partition(":")[2])
        for line in text.splitlines()
        if line.lower().startswith("content-length:")
    ]
    return text, conversation.exactly(lengths[0]) if lengths else b""
