"""A DICOMweb origin server (PS3.18) as a user agent knows it: plain frozen data."""

from __future__ import annotations

import base64

from pydantic import Field

from dicom.association.ends import Tls
from dicom.frozen import Frozen


class WebAuth(Frozen):
    """What a request introduces itself with: user and password (RFC 7617), or a bearer token."""

    user: str = ""
    password: str = Field("", repr=False)
    token: str = Field("", repr=False)

    @property
    def header(self) -> str:
        """The value of Authorization."""
        if self.token:
            return f"Bearer {self.token}"
        pair = f"{self.user}:{self.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"


class WebTarget(Frozen):
    """The origin server as the user agent believes it to be.

    ``root`` is the path of its DICOMweb services without a slash at its end (``/dicom-web``).
    ``tls`` is what an https server is met with, None plain HTTP.
    """

    host: str
    port: int = Field(ge=1, le=65535)
    root: str = ""
    tls: Tls | None = None
    auth: WebAuth | None = None

    @property
    def authority(self) -> str:
        """``host:port`` as it stands in a URL (RFC 3986 3.2)."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
