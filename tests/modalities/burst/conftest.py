"""Real storage SCPs that take many associations at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dicom.association.ends import Tls
from orchestrator.lab.certificates import CertificateStore
from tests.modalities.peers import StoreScp, running_storescp


@pytest.fixture
def busy_storescp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreScp]:
    """DCMTK's storage SCP with a process for each association."""
    with running_storescp(tmp_path_factory.mktemp("storescp"), "--fork") as scp:
        yield scp


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
    known = ("+cf", str(pem / "lab-ca.pem"))
    with running_storescp(folder, "--fork", *own, *known) as scp:
        yield scp


def tls_of(certificates: CertificateStore) -> Tls:
    pem = certificates.folder
    return Tls(
        trusted=str(pem / "lab-ca.pem"), certificate=str(pem / "ct.pem"), key=str(pem / "ct.key")
    )
