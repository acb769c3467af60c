"""Further real peers: DCMTK's query/retrieve and worklist SCPs, and SCPs made with pynetdicom."""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom import AE

from dicom.association.ends import Target
from dicom.datasets.identifier import dataset_of
from tests.modalities.peers import listens, until
from tests.peers import LOOPBACK, reserved_port, tool

ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}
#: Starts an SCP for (abstract syntaxes, event handlers).
StartScp = Callable[[Sequence[str], Sequence[tuple[Any, Any]]], Target]


@contextmanager
def running(arguments: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """A program that listens on ``port``."""
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, env=ENVIRONMENT, stdout=output, stderr=output)
        try:
            until(lambda: listens(port), process)
            yield
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def dcmqrscp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """DCMTK's archive, empty."""
    folder = tmp_path_factory.mktemp("dcmqrscp")
    (folder / "db").mkdir()
    port = reserved_port()
    configuration = folder / "dcmqrscp.cfg"
    configuration.write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nQRSCP {folder / 'db'} RW (100, 1024mb) ANY\nAETable END\n"
    )
    arguments = [tool("dcmqrscp"), "-d", "-c", str(configuration), str(port)]
    with running(arguments, port, folder / "log"):
        yield Target(host=LOOPBACK, port=port, called="QRSCP")


@pytest.fixture
def wlmscpfs(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Target, Callable[[dict[str, str]], None]]]:
    """DCMTK's worklist SCP, and what schedules a step there."""
    folder = tmp_path_factory.mktemp("worklists")
    (folder / "RIS").mkdir()
    (folder / "RIS" / "lockfile").touch()
    port = reserved_port()

    def schedule(attributes: dict[str, str]) -> None:
        item = dataset_of(attributes)
        item.file_meta = FileMetaDataset()
        item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item.file_meta.MediaStorageSOPClassUID = UID("1.2.276.0.7230010.3.1.0.1")
        item.file_meta.MediaStorageSOPInstanceUID = UID("2.25.1")
        number = len(list((folder / "RIS").glob("*.wl")))
        item.save_as(folder / "RIS" / f"{number}.wl", enforce_file_format=True)

    arguments = [tool("wlmscpfs"), "-s", "-csk", "-dhl", "-dfp", str(folder), str(port)]
    with running(arguments, port, folder / "log"):
        yield Target(host=LOOPBACK, port=port, called="RIS"), schedule


@contextmanager
def serving(
    entity: AE, *handlers: tuple[Any, Any], tls: ssl.SSLContext | None = None
) -> Iterator[Target]:
    """An SCP made with pynetdicom."""
    server = entity.start_server(
        (LOOPBACK, 0), block=False, ssl_context=tls, evt_handlers=list(handlers)
    )
    assert server is not None
    try:
        yield Target(host=LOOPBACK, port=server.server_address[1], called="PEER")
    finally:
        server.shutdown()


@pytest.fixture
def scp() -> Iterator[StartScp]:
    """SCPs that take every proposed context of some SOP classes and answer as a test says."""
    with ExitStack() as servers:

        def start(abstract_syntaxes: Sequence[str], handlers: Sequence[tuple[Any, Any]]) -> Target:
            entity = AE("PEER")
            for each in abstract_syntaxes:
                entity.add_supported_context(each)
            return servers.enter_context(serving(entity, *handlers))

        yield start


def status(code: int, comment: str = "") -> Dataset:
    """The status of a response, with a comment."""
    answer = Dataset()
    answer.Status = code
    if comment:
        answer.ErrorComment = comment
    return answer
