"""DICOMweb of the Orthanc profile beside the real plugin of this host: users must see the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest
import requests
from pydicom import dcmread
from pydicom.uid import JPEG2000Lossless, RLELossless

from archive.configuration import ServerConfiguration
from archive.server import ProfileServer
from dicom.settings import ArchiveSettings
from dicom.web.multipart import boundary_of, read_parts
from orchestrator.stacks.orthanc.dialect import OrthancDialect
from orchestrator.stacks.profile.files import find_profile
from tests.archive.peer import LOOPBACK, MR, image
from tests.archive.web.origin import MULTIPART, encoded, file
from tests.peers import PATIENCE, dicomweb_plugin, running_orthanc

pytestmark = [
    pytest.mark.local,
    pytest.mark.filterwarnings("ignore:Invalid value for VR"),
]
PASSWORD = "of-both"
AS_STORED = f"{MULTIPART}; transfer-syntax=*"
RICH = file(
    7,
    StudyInstanceUID="2.25.4",
    SeriesInstanceUID="2.25.4.1",
    SpecificCharacterSet="ISO_IR 192",
    PatientName="Müller^Jörg=山田^太郎",
    SeriesDescription="Schädel",
    NumberOfFrames="1",
    PerformedProcedureStepStartDate="20260101",
    BodyPartExamined="HEAD",
)


@dataclass(frozen=True)
class Services:
    """The DICOMweb services at one root."""

    url: str

    def get(
        self,
        path: str,
        accept: str = "application/dicom+json",
        auth: tuple[str, str] | None = ("lab", PASSWORD),
    ) -> object:
        headers = {"Accept": accept}
        url = self.url + path
        return self.seen(requests.get(url, headers=headers, auth=auth, timeout=PATIENCE))

    def post(
        self,
        *contents: bytes,
        study: str = "",
        content_type: str = f"{MULTIPART}; boundary=e",
        part_type: str = "Content-Type: application/dicom\r\n",
        end: bytes = b"--e--\r\n",
        auth: tuple[str, str] | None = ("lab", PASSWORD),
    ) -> object:
        part = f"--e\r\n{part_type}\r\n".encode()
        body = b"".join(part + each + b"\r\n" for each in contents) + end
        headers = {"Content-Type": content_type}
        url = f"{self.url}/studies{study}"
        return self.seen(requests.post(url, body, headers=headers, auth=auth, timeout=PATIENCE))

    def seen(self, answer: requests.Response) -> object:
        """Status and content of an answer, as far as it does not depend on who answers."""
        status = answer.status_code
        try:
            body = answer.json()
        except ValueError:
            return status, self._objects(answer) if answer.ok else None
        if isinstance(body, list):
            # nobody promises an order
            return status, sorted(str(self._attributes(each)) for each in body)
        # what a failure says besides is its own words
        return status, None if "HttpStatus" in body else self._attributes(body)

    def _objects(self, answer: requests.Response) -> object:
        parts = read_parts(BytesIO(answer.content), boundary_of(answer.headers["Content-Type"]))
        files = [dcmread(BytesIO(part.content)) for part in parts]
        return sorted(
            (str(each.SOPInstanceUID), str(each.file_meta.TransferSyntaxUID), each.PixelData)
            for each in files
        )

    def _attributes(self, dataset: Mapping[str, Any]) -> list[tuple[str, object]]:
        return sorted((tag, self._value(element)) for tag, element in dataset.items())

    def _value(self, element: Mapping[str, Any]) -> object:
        if element["vr"] == "SQ":
            return [self._attributes(each) for each in element.get("Value", [])]
        if element["vr"] in ("DS", "IS"):
            return [float(each) for each in element.get("Value", [])]
        return str(element.get("Value", element.get("BulkDataURI"))).replace(self.url, "")


Exchange = Callable[[Services], object]


def searched(*paths: str) -> Exchange:
    return lambda services: [services.get(path) for path in paths]


EXCHANGES: Mapping[str, Exchange] = {
    "store again": lambda web: web.post(file(1)),
    "store other content": lambda web: web.post(file(1, StudyDescription="other")),
    "one bad among good": lambda web: web.post(file(11), b"garbage", file(12)),
    "garbage": lambda web: web.post(b"garbage"),
    "cut pixels": lambda web: web.post(file(13)[:-1000]),
    # Orthanc hands it out without its preamble too, the profile with one
    "no preamble": lambda web: web.post(
        file(14, StudyInstanceUID="2.25.44", SeriesInstanceUID="2.25.44.1")[132:]
    ),
    "another part type": lambda web: web.post(file(15), part_type="Content-Type: a/b\r\n"),
    "no part type": lambda web: web.post(file(16), part_type=""),
    "part type with parameter": lambda web: web.post(
        file(17),
        part_type="Content-Type: application/dicom;transfer-syntax=1.2.840.10008.1.2.1\r\n",
    ),
    "part type in capitals": lambda web: web.post(
        file(18), part_type="Content-Type: Application/DICOM\r\n"
    ),
    "wrong study": lambda web: web.post(file(19), study="/2.25.99"),
    "right study": lambda web: web.post(file(20), study="/2.25.1"),
    "one of a wrong study": lambda web: web.post(
        file(21),
        file(22, StudyInstanceUID="2.25.77", SeriesInstanceUID="2.25.77.1"),
        study="/2.25.1",
    ),
    "no study": lambda web: web.post(file(23, StudyInstanceUID=None)),
    "no series": lambda web: web.post(file(24, SeriesInstanceUID=None)),
    "no instance": lambda web: web.post(file(25, SOPInstanceUID=None)),
    "no patient": lambda web: web.post(
        file(26, PatientID=None, StudyInstanceUID="2.25.8", SeriesInstanceUID="2.25.8.1")
    ),
    "private SOP class": lambda web: web.post(
        file(27, SOPClassUID="1.2.3.4.5", StudyInstanceUID="2.25.6", SeriesInstanceUID="2.25.6.1")
    ),
    "outer types": lambda web: [
        web.post(file(28), content_type=content_type)
        for content_type in (
            "application/dicom",
            "multipart/related; boundary=e",
            'multipart/related; type="application/dicom+json"; boundary=e',
            'multipart/related; type=application/dicom; boundary="e"',
        )
    ],
    "empty message": lambda web: web.post(),
    "cut off": lambda web: web.post(file(29), end=b""),
    "the same twice": lambda web: web.post(file(30), file(30)),
    "no credentials": lambda web: [
        web.post(file(31), auth=None),
        web.get("/studies", auth=("lab", "wrong")),
        web.get("/nonsense", auth=None),
    ],
    "studies": searched(
        "/studies",
        "/studies?StudyInstanceUID=2.25.1",
        "/studies?StudyInstanceUID=2.25.1,2.25.8",
        "/studies?StudyInstanceUID=2.25.1%5C2.25.8",
        "/studies?00100020=P1&0020000D=2.25.1",
        "/studies?PatientID=NOBODY",
        "/studies?StudyInstanceUID=2.25.3",
        "/studies?StudyInstanceUID=2.25.4",
    ),
    "matching": searched(
        "/studies?PatientName=phan*&StudyInstanceUID=2.25.1",
        "/studies?PatientName=PHANTOM%5EADA",
        "/studies?PatientName=PHANTOM?ADA",
        "/studies?PatientName=phantom",
        "/studies?PatientName=m%C3%BCller*",
        "/studies?PatientID=p1",
        "/studies?PatientID=P1,P9",
        "/studies?StudyDate=20260101-20260131",
        "/studies?StudyDate=-20260105",
        "/studies?StudyTime=07-08",
        "/studies?AccessionNumber=a1",
        "/studies?ModalitiesInStudy=MR",
        "/studies?StudyID=1CT",
        "/studies?PatientSex=o",
        "/studies?NumberOfStudyRelatedSeries=2",
        "/studies?Modality=CT",
        "/studies?StudyDescription=",
    ),
    "what can't be asked": searched(
        "/studies?NoSuchThing=1",
        "/studies?StudyInstanceUID=2.25.*",
        "/studies?limit=x",
        "/studies?offset=100",
        "/studies?OtherPatientIDsSequence.PatientID=3",
        "/nonsense",
        "/",
    ),
    "numbers": searched(
        "/studies?limit=-1",
        "/studies?limit=+100",
        "/studies?limit=-",
        "/studies?limit=2147483647",
        "/studies?limit=2147483648",
        "/studies?limit=4294967296",
        "/studies?limit=-4294967196",
        "/studies?offset=-1",
        "/studies?offset=1000000",
        "/studies?offset=2147483648",
    ),
    "lists": searched(
        "/studies?ModalitiesInStudy=MR,US",
        "/studies?ModalitiesInStudy=US,MR,",
        "/studies?ModalitiesInStudy=M*",
        "/studies?ModalitiesInStudy=M*,US",
        "/studies?ModalitiesInStudy=,",
        "/studies?PatientID=P?,P9",
        "/studies?PatientID=,",
        "/series?Modality=M*",
        "/series?Modality=M*,US",
        "/series?ModalitiesInStudy=CT,MR",
    ),
    "include": searched(
        "/studies?StudyInstanceUID=2.25.1&includefield=all",
        "/studies?StudyInstanceUID=2.25.1&includefield=StudyDescription,PatientAge",
        "/studies?StudyInstanceUID=2.25.4&includefield=BodyPartExamined",
        "/instances?SOPInstanceUID=2.25.1.1.1&includefield=ImageType&includefield=00281050",
    ),
    "series": searched(
        "/series",
        "/series?StudyInstanceUID=2.25.1",
        "/series?Modality=MR",
        "/studies/2.25.1/series",
        "/studies/2.25.4/series",
        "/studies/2.25.99/series",
    ),
    "instances": searched(
        "/instances?SOPInstanceUID=2.25.1.1.1",
        "/instances?SeriesInstanceUID=2.25.1.2",
        "/instances?SeriesInstanceUID=2.25.1.2&StudyInstanceUID=2.25.1",
        "/studies/2.25.1/instances?SOPInstanceUID=2.25.1.1.1",
        "/studies/2.25.4/series/2.25.4.1/instances",
        "/studies/2.25.4/series/2.25.4.1/instances?StudyInstanceUID=2.25.4",
    ),
    "accept of queries": lambda web: [
        web.get("/studies?StudyInstanceUID=2.25.3", accept)
        for accept in ("application/json", "text/html", "*/*")
    ],
    "retrieve": lambda web: [
        web.get(path, AS_STORED)
        for path in (
            "/studies/2.25.1",
            "/studies/2.25.1/series/2.25.1.2",
            "/studies/2.25.1/series/2.25.1.1/instances/2.25.1.1.2",
            "/studies/2.25.9",
            "/studies/2.25.3/series/2.25.1.2",
            "/studies/2.25.1/series/2.25.1.1/instances/2.25.9",
        )
    ],
    "accept of retrieves": lambda web: [
        web.get(path, accept)
        for path in ("/studies/2.25.3", "/studies/2.25.5", "/studies/2.25.55")
        for accept in (
            MULTIPART,
            "*/*",
            "multipart/related",
            "application/dicom",
            "text/html",
            AS_STORED,
            f"{MULTIPART}; transfer-syntax=1.2.840.10008.1.2.1",
            f"{MULTIPART}; transfer-syntax={JPEG2000Lossless}",
            f"{MULTIPART}; transfer-syntax=1.2.3.4",
        )
    ],
    "metadata": lambda web: [
        web.get("/studies/2.25.4/metadata"),
        web.get("/studies/2.25.4/series/2.25.4.1/metadata"),
        web.get("/studies/2.25.9/metadata"),
        web.get("/studies/2.25.4/metadata", "text/html"),
        web.get("/studies/2.25.4/metadata", "*/*"),
    ],
}


def fill(services: Services) -> None:
    """The same studies everywhere."""
    rle, jpeg = (
        image(number, StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.1")
        for number, uid in ((5, "2.25.5"), (6, "2.25.55"))
    )
    rle.compress(RLELossless, generate_instance_uid=False)
    jpeg.compress(JPEG2000Lossless, generate_instance_uid=False)
    bare = image(3, StudyInstanceUID="2.25.3", SeriesInstanceUID="2.25.3.1")
    for keyword in ("StudyDate", "StudyTime", "AccessionNumber", "StudyID", "Modality"):
        delattr(bare, keyword)
    services.post(
        file(1),
        file(2),
        file(10, SOPClassUID=MR, Modality="MR", SeriesInstanceUID="2.25.1.2"),
        encoded(bare),
        RICH,
        encoded(rle),
        encoded(jpeg),
    )


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Services]]:
    """The real archive and the profile of its version, filled alike."""
    folder = tmp_path_factory.mktemp("fidelity")
    settings = ArchiveSettings(aetitle="ORTHANC")
    native = {
        **OrthancDialect().translate(settings),
        "Plugins": [dicomweb_plugin()],
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"lab": PASSWORD},
    }
    with ExitStack() as stack:
        real = stack.enter_context(running_orthanc(folder / "real", native, auth=("lab", PASSWORD)))
        system = requests.get(f"{real.url}/system", auth=("lab", PASSWORD), timeout=PATIENCE)
        version = ".".join(re.findall(r"\d+", system.json()["Version"])[:2])
        name = f"orthanc-{version}"
        profile = ProfileServer(
            ServerConfiguration(
                name=name,
                profile=find_profile(name),
                settings=settings,
                web_password=PASSWORD,
                data=str(folder / "profile"),
                exchange=str(folder),
            )
        )
        stack.callback(profile.stop)
        both = (
            Services(f"{real.url}/dicom-web"),
            Services(f"http://{LOOPBACK}:{profile.web_port}/dicom-web"),
        )
        for services in both:
            fill(services)
        yield both


@pytest.mark.parametrize("what", list(EXCHANGES))
def test_users_of_the_profile_see_what_users_of_the_product_see(
    pair: tuple[Services, Services], what: str
) -> None:
    real, profile = (EXCHANGES[what](services) for services in pair)
    assert profile == real
