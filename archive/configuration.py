"""What a running profile archive is told: one JSON file, or an object in the same process."""

from __future__ import annotations

from pydantic import Field

from archive.vendor import VendorProfile
from dicom.frozen import Frozen
from dicom.settings import ArchiveSettings


class ServerConfiguration(Frozen):
    """Everything that a profile archive needs; ``settings`` can be replaced while it runs.

    ``data`` keeps objects and index, ``exchange`` holds the lab's TLS material below ``tls/``.
    Port 0 takes any free port.
    """

    name: str = Field(description="the profile's name, as its file is called")
    profile: VendorProfile
    settings: ArchiveSettings
    host: str = "127.0.0.1"
    dicom_port: int = Field(0, ge=0, le=65535)
    web_port: int = Field(0, ge=0, le=65535)
    web_password: str = Field(
        "", repr=False, description="of the DICOMweb user lab; empty: none is asked for"
    )
    data: str
    exchange: str


class ForwardOrder(Frozen):
    """Order to send a study that the archive holds to a known AE."""

    study: str
    to: str


class SystemAnswer(Frozen):
    """Who answers: a profile archive never claims to be the product that it follows."""

    name: str
    stack: str
    version: str
    profile: str
    dicom_port: int
