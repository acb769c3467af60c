"""Real storage SCPs that take many associations at a time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from modalities.commands import Target, Tls
from orchestrator.certificates import CertificateStore
from tests.modalities.peers import LOOPBACK, StoreScp, free_port, listens, tool, until


@pytest.fixture
def busy_storescp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreScp]:
    """DCMTK's storage SCP with a process for each association, writing what it receives."""
    folder = tmp_path_factory.mktemp("storescp")
    yield from _running(folder, "+B", "+xa")


@pytest.fixture
def certificates(tmp_path: Path) -> CertificateStore:
    return CertificateStore.create(tmp_path / "tls", {"ct": [], "archive": []})


@pytest.fixture
def tls_storescp(
    tmp_path_factory: pytest.TempPathFactory, certificates: CertificateStore
) -> Iterator[StoreScp]:
    """The same, speaking DICOM TLS with peers that the lab's authority knows."""
    folder = tmp_path_factory.mktemp("storescp-tls")
    pem = certificates.folder
    own = ("+tls", str(pem / "archive.key"), str(pem / "archive.pem"))
    yield from _running(folder, "+B", "+xa", *own, "+cf", str(pem / "lab-ca.pem"))


def tls_of(certificates: CertificateStore) -> Tls:
    pem = certificates.folder
    return Tls(
        trusted=str(pem / "lab-ca.pem"), certificate=str(pem / "ct.pem"), key=str(pem / "ct.key")
    )


def _running(folder: Path, *options: str) -> Iterator[StoreScp]:
    port = free_port()
    arguments = [tool("storescp"), "--fork", *options, "-od", str(folder), str(port)]
    environment = {**os.environ, "TCP_NODELAY": "1"}
    process = subprocess.Popen(arguments, env=environment)
    try:
        until(lambda: listens(port), process)
        yield StoreScp(Target(host=LOOPBACK, port=port, called="STORESCP"), folder)
    finally:
        process.kill()
        process.wait()
