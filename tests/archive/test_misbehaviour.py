"""The profile of Orthanc and the product, given the same misbehaviour of a modality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from archive.server import ProfileServer
from dicom.association.ends import Caller, Target, Timeouts
from dicom.settings import ArchiveSettings
from modalities.generation import StudyOptions, WrittenFile, write_study
from modalities.misbehaviour.act import ACTS as KINDS_OF_ACT
from modalities.misbehaviour.alteration import ALTERATIONS as KINDS_OF_ALTERATION
from modalities.services.store import Store, store
from tests.archive.conftest import start_archive
from tests.archive.peer import LOOPBACK
from tests.peers import Orthanc, running_orthanc

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
    "too-long PatientID 256",
    "too-long PatientID 257",
    "too-long StudyInstanceUID 257",
    "too-long SeriesInstanceUID 257",
    "too-long StudyDescription 5000",
    "bad-uid SOPInstanceUID",
    "bad-uid StudyInstanceUID leading-zero",
    "bad-date",
    "many-elements 300",
    "truncate-pixels declared=false keep=0",
    "trailing 8",
]
#: What can break before the whole object has come: sent in one fragment, and in many.
STRUCTURES = [
    "item-length",
    "item-length by=-2",
    "item-length by=2",
    "no-delimiter",
    "wrong-vr PatientID SQ",
    "wrong-length StudyDate 100",
    "encoded-as ImplicitVRLittleEndian",
    "encoded-as ExplicitVRBigEndian",
    "claim DeflatedExplicitVRLittleEndian",
    "claim JPEG2000",
    "claim RLELossless",
]
#: The same of objects in other transfer syntaxes.
ENCODED = [
    ("ImplicitVRLittleEndian", "item-length"),
    ("ExplicitVRBigEndian", "no-delimiter"),
    ("DeflatedExplicitVRLittleEndian", "item-length"),
    ("RLELossless", "no-delimiter"),
    ("RLELossless", "claim ExplicitVRLittleEndian"),
    ("RLELossless", "no-offset-table"),
    ("RLELossless", "odd-fragment"),
]
ACTS = [
    "oversized-pdu",
    "pdv-length",
    "pdu-length",
    "unknown-pdu",
    "garbage",
    "garbage data",
    "garbage release",
    "data-before-association",
    "abort",
    "abort by=provider reason=2",
    "hang-up",
    "hang-up how=close",
    "stall seconds=0.2",
    "half-request close",
    "half-request reset",
    "half-request seconds=1",
    "interleave",
    "wrong-context",
    "wrong-context of=dataset",
    "command-only",
    "dataset-only",
    "pipelined",
    "same-message-id",
    "empty-pdvs",
    "release-collision",
    "no-release",
    "no-release reset",
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


def objects(
    folder: Path, *, large: bool, transfer_syntax: str | None = None
) -> Sequence[WrittenFile]:
    """One small object, or two large ones."""
    size, images = (256, 2) if large else (64, 1)
    options: StudyOptions = {"rows": size, "columns": size}
    if transfer_syntax is not None:
        options["transfer_syntax"] = transfer_syntax
    return write_study(folder, "CT", images=images, **options)


def seen_by_a_modality(
    port: int,
    folder: Path,
    text: str,
    written: Sequence[WrittenFile],
    called: str = "ORTHANC",
) -> str:
    """What the sender of these objects reports."""
    act = text if text in ACTS else None
    command = Store(
        target=Target(host=LOOPBACK, port=port, called=called),
        caller=Caller(calling="CT", timeouts=TIMEOUTS),
        files=tuple(str(each.path) for each in written),
        alterations=() if act else (text,),
        misbehave=act,
    )
    report = store(command, folder, "ct")
    return f"{report.outcome.rung.value} {report.outcome.signature}"


class Pair:
    """The product and its profile, to be sent the same."""

    def __init__(self, product: Orthanc, profile: ProfileServer, folder: Path) -> None:
        self._product, self._profile, self._folder = product, profile, folder

    def react_alike(
        self, text: str, *, large: bool = False, transfer_syntax: str | None = None
    ) -> None:
        """Have a modality misbehave at both; compare what it sees, and what they file."""
        held = self._product.instances(), len(self._profile.held())
        written = objects(self._folder, large=large, transfer_syntax=transfer_syntax)
        ports = (self._profile.dicom_port, self._product.dicom.port)
        with ThreadPoolExecutor() as pool:  # many react with silence, which is waited out
            profile, product = pool.map(
                lambda port: seen_by_a_modality(port, self._folder, text, written), ports
            )
        assert profile == product
        # the same objects come again and again: what counts is whether another one was filed
        filed = len(self._profile.held()) - held[1]
        assert filed == self._product.instances() - held[0]


@pytest.fixture
def pair(product: Orthanc, profile: ProfileServer, tmp_path: Path) -> Pair:
    return Pair(product, profile, tmp_path)


def test_every_kind_of_misbehaviour_is_tried() -> None:
    altered = [*ALTERATIONS, *STRUCTURES, *(text for _, text in ENCODED)]
    assert {text.split()[0] for text in altered} == set(KINDS_OF_ALTERATION)
    assert {text.split()[0] for text in ACTS} == set(KINDS_OF_ACT)


@pytest.mark.parametrize("text", [*ALTERATIONS, *STRUCTURES])
def test_the_profile_takes_altered_objects_as_orthanc_does(text: str, pair: Pair) -> None:
    pair.react_alike(text)


@pytest.mark.parametrize("text", STRUCTURES)
def test_the_profile_gives_up_a_broken_object_where_orthanc_does(text: str, pair: Pair) -> None:
    pair.react_alike(text, large=True)


@pytest.mark.parametrize(("transfer_syntax", "text"), ENCODED)
def test_the_profile_reads_every_encoding_as_strictly_as_orthanc(
    transfer_syntax: str, text: str, pair: Pair
) -> None:
    pair.react_alike(text, large=True, transfer_syntax=transfer_syntax)


@pytest.mark.parametrize("text", ACTS)
def test_the_profile_reacts_to_acts_as_orthanc_does(text: str, pair: Pair) -> None:
    pair.react_alike(text, large=True)


def test_the_profile_drops_a_small_dataset_in_another_context_as_orthanc_does(pair: Pair) -> None:
    pair.react_alike("wrong-context of=dataset")


@pytest.fixture(scope="module")
def dcm4chee(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProfileServer]:
    settings = ArchiveSettings(aetitle="DCM4CHEE")
    server = start_archive("dcm4chee-5.35", settings, tmp_path_factory.mktemp("dcm4chee"))
    yield server
    server.stop()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("interleave", "dimse aborted 2/5"),
        ("dataset-only", "dimse aborted 2/5"),
        ("wrong-context", "dimse aborted 0/0"),
        ("wrong-context of=dataset", "dimse aborted 2/5"),
        ("pdv-length", "dimse aborted 2/6"),
        ("garbage data", "dimse aborted 2/1"),
        ("data-before-association", "associate closed"),
        ("too-long PatientID 255", "dimse None"),
        ("too-long PatientID 256", "dimse status 0x0110"),
    ],
)
def test_the_profile_of_dcm4chee_reacts_as_its_source_says(
    text: str, seen: str, dcm4chee: ProfileServer, tmp_path: Path
) -> None:
    held = len(dcm4chee.held())
    written = objects(tmp_path, large=text in ACTS)
    reaction = seen_by_a_modality(dcm4chee.dicom_port, tmp_path, text, written, "DCM4CHEE")
    assert reaction.startswith(seen)
    assert len(dcm4chee.held()) == held + (seen == "dimse None")
