"""The profile of Orthanc and the product, given the same misbehaviour of a modality."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from modalities.commands import Caller, Target, Timeouts
from modalities.services.store import Store, store
from modalities.study import write_study
from orchestrator.settings import ArchiveSettings
from orchestrator.stacks.profile.server import ProfileServer
from tests.peers import Orthanc, running_orthanc
from tests.stacks.profile.conftest import start_archive
from tests.stacks.profile.peer import LOOPBACK

pytestmark = [
    pytest.mark.local,
    pytest.mark.filterwarnings("ignore:.*:UserWarning"),  # pydicom about what is wrong on purpose
]
TIMEOUTS = Timeouts(connect=10.0, acse=3.0, dimse=3.0, network=10.0)
ALTERATIONS = [
    "remove PatientID",
    "empty PatientID",
    "remove StudyInstanceUID",
    "remove SeriesInstanceUID",
    "remove SOPInstanceUID",
    "remove SOPClassUID",
    "set StudyDate 20269999",
    "set Rows abc",
    "wrong-vr PatientID XX",
    "wrong-vr Rows LO",
    "wrong-length PatientID 2",
    "odd-length PatientID",
    "command-class",
    "command-instance",
    "truncate-pixels",
    "truncate-pixels declared=false",
    "extend-pixels",
    "character-set",
    "character-set declared='ISO_IR 192'",
    "duplicate PatientID",
    "misplace PatientID",
    "group-length",
    "orphan-private",
    "private-sequence 50",
    "no-delimiter",
    "encoded-as ImplicitVRLittleEndian",
    "claim ImplicitVRLittleEndian",
    "trailing",
    "too-long PatientID 100",
    "bad-uid SOPInstanceUID",
    "bad-uid StudyInstanceUID leading-zero",
    "bad-date",
]
ACTS = [
    "oversized-pdu",
    "pdv-length",
    "pdu-length",
    "unknown-pdu",
    "garbage",
    "half-request close",
    "half-request seconds=1",
    "wrong-context",
    "command-only",
    "dataset-only",
    "pipelined",
    "same-message-id",
    "empty-pdvs",
    "release-collision",
    "no-release",
    "held-connections",
    "held-connections said=half-request",
]
Seen = tuple[str, int]


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running_orthanc(tmp_path_factory.mktemp("product"), {}) as orthanc:
        yield orthanc


@pytest.fixture(scope="module")
def profile(product: Orthanc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileServer]:
    """The one that follows this product's version."""
    version = requests.get(f"{product.url}/system", timeout=20).json()["Version"]
    name = "orthanc-1.10" if version.startswith("1.10.") else "orthanc-1.12"
    folder = tmp_path_factory.mktemp("profile")
    server = start_archive(name, ArchiveSettings(aetitle="ORTHANC"), folder)
    yield server
    server.stop()


def seen_by_a_modality(port: int, folder: Path, text: str) -> str:
    """What the sender of one small object, or of two large ones, reports."""
    act = text if text in ACTS else None
    size = 256 if act else 64
    written = write_study(folder, "CT", images=2 if act else 1, rows=size, columns=size)
    command = Store(
        target=Target(host=LOOPBACK, port=port, called="ORTHANC"),
        caller=Caller(calling="CT", timeouts=TIMEOUTS),
        files=tuple(str(each.path) for each in written),
        alterations=() if act else (text,),
        misbehave=act,
    )
    report = store(command, folder, "ct")
    return f"{report.rung.value} {report.signature}"


@pytest.mark.parametrize("text", [*ALTERATIONS, *ACTS])
def test_the_profile_reacts_as_orthanc_does(
    text: str, product: Orthanc, profile: ProfileServer, tmp_path: Path
) -> None:
    held = product.instances(), len(profile.held())
    assert seen_by_a_modality(profile.dicom_port, tmp_path, text) == seen_by_a_modality(
        product.dicom.port, tmp_path, text
    )
    # the same objects come again and again: what counts is whether another one was filed
    assert product.instances() - held[0] == len(profile.held()) - held[1]
