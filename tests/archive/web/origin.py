"""A profile archive's DICOMweb services, as a client of another maker sees them."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from dicomweb_client.web import DICOMwebClient
from pydicom import Dataset, dcmread
from requests.auth import HTTPBasicAuth

from archive.configuration import ServerConfiguration
from archive.server import ProfileServer
from dicom.settings import ArchiveSettings
from dicom.web.multipart import read_parts
from orchestrator.stacks.profile.files import find_profile
from tests.archive.peer import LOOPBACK, image
from tests.peers import PATIENCE

PASSWORD = "made-for-the-run"
MULTIPART = 'multipart/related; type="application/dicom"'
ROOTS = {
    "orthanc-1.10": "/dicom-web",
    "orthanc-1.12": "/dicom-web",
    "dcm4chee-5.35": "/dcm4chee-arc/aets/ARCHIVE/rs",
}
EVERY = pytest.mark.parametrize("profile", list(ROOTS))


@dataclass
class Origin:
    """A running archive's DICOMweb services."""

    server: ProfileServer
    profile: str

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server.web_port}{ROOTS[self.profile]}"

    @property
    def auth(self) -> HTTPBasicAuth:
        return HTTPBasicAuth("lab", PASSWORD)

    def get(self, path: str, accept: str = "application/dicom+json") -> requests.Response:
        headers = {"Accept": accept}
        return requests.get(self.url + path, headers=headers, auth=self.auth, timeout=PATIENCE)

    def post(
        self, *contents: bytes, study: str = "", part_type: str = "application/dicom"
    ) -> requests.Response:
        part = f"--e\r\nContent-Type: {part_type}\r\n\r\n".encode()
        body = b"".join(part + each + b"\r\n" for each in contents) + b"--e--\r\n"
        return requests.post(
            f"{self.url}/studies{study}",
            data=body,
            headers={"Content-Type": f"{MULTIPART}; boundary=e"},
            auth=self.auth,
            timeout=PATIENCE,
        )

    def client(self) -> DICOMwebClient:
        """An independent user agent."""
        session = requests.Session()
        session.auth = self.auth
        return DICOMwebClient(self.url, session=session)

    def held(self) -> int:
        return len(self.server.held())


def start(profile: str, folder: Path, **changes: Any) -> ProfileServer:
    """An archive on loopback that keeps its data in ``folder``; ``changes`` are of its profile."""
    return ProfileServer(
        ServerConfiguration(
            name=profile,
            profile=find_profile(profile).model_copy(update=changes),
            settings=ArchiveSettings(aetitle="ARCHIVE"),
            web_password=PASSWORD,
            data=str(folder),
            exchange=str(folder),
        )
    )


def file(number: int = 1, **changes: Any) -> bytes:
    """A Part-10 file of ``image``."""
    return encoded(image(number, **changes))


def encoded(dataset: Dataset) -> bytes:
    content = BytesIO()
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "2.25.7")
    dataset.save_as(content, enforce_file_format=True)
    return content.getvalue()


def reasons(answer: requests.Response) -> dict[str, int]:
    """Failure Reason by SOP Instance UID."""
    items = answer.json().get("00081198", {}).get("Value", [])
    return {each["00081155"]["Value"][0]: each["00081197"]["Value"][0] for each in items}


def referenced(answer: requests.Response) -> list[str]:
    items = answer.json().get("00081199", {}).get("Value", [])
    return [each["00081155"]["Value"][0] for each in items]


def boundary(answer: requests.Response) -> bytes:
    return answer.headers["Content-Type"].partition("boundary=")[2].encode()


def received(answer: requests.Response) -> list[Dataset]:
    parts = read_parts(BytesIO(answer.content), boundary(answer))
    return [dcmread(BytesIO(part.content)) for part in parts]


def studies(origin: Origin, query: str) -> list[str]:
    answer = origin.get(f"/studies?{query}")
    found = [] if answer.status_code == 204 else answer.json()
    return sorted(each["0020000D"]["Value"][0] for each in found)
