"""The file that describes an archive which already runs: its model and its loader."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from dicom.association.ends import Tls
from dicom.frozen import Frozen
from dicom.settings import AETitle, ArchiveSettings
from orchestrator.errors import InputError
from orchestrator.files.yaml_models import read_model
from orchestrator.stacks.web_api import Credentials, WebApi

SiteKind = Literal["orthanc", "dcm4chee", "dicomweb"]
#: Name of an environment variable; the file never holds a secret itself.
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+(/\S*)?$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]


class SiteTls(Frozen):
    """DICOM TLS towards the archive: PEM files, relative to the site's file."""

    trusted: str = Field(description="certificate authorities that the archive's must chain to")
    certificate: str | None = Field(None, description="what modalities present")
    key: str | None = Field(None, description="private key of the certificate")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("expected both certificate and key, or neither")
        return self


class SiteDicom(Frozen):
    """Where the archive's DICOM port is and what it is called."""

    host: str = Field(min_length=1, description="host name or address")
    port: int = Field(ge=1, le=65535)
    aetitle: AETitle
    tls: SiteTls | None = None


class SiteWeb(Frozen):
    """Where its web interface is. Credentials are names of environment variables."""

    url: Url = Field(description="http(s)://host:port, for kind dicomweb with the service's path")
    user_from: Variable | None = Field(None, description="variable that holds the user's name")
    password_from: Variable | None = Field(None, description="variable that holds the password")
    token_from: Variable | None = Field(None, description="variable that holds a bearer token")
    trusted: str | None = Field(None, description="PEM file with the https server's authorities")

    @field_validator("url")
    @classmethod
    def _port_is_one(cls, url: str) -> str:
        try:
            _ = urlsplit(url).port
        except ValueError as error:
            raise ValueError(f"{error}; expected http(s)://host:port") from None
        return url

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.user_from is None) != (self.password_from is None):
            raise ValueError("expected both user_from and password_from, or neither")
        if self.token_from is not None and self.user_from is not None:
            raise ValueError("expected either a user and a password or a token, saw both")
        return self

    def credentials(self) -> Credentials | None:
        """The values of the named variables, None where the server asks for none.

        Raises:
            InputError: a variable is not set.
        """
        if self.token_from is not None:
            return Credentials(token=_value_of(self.token_from))
        if self.user_from is None or self.password_from is None:
            return None
        return Credentials(_value_of(self.user_from), _value_of(self.password_from))

    def api(self, name: str) -> WebApi:
        """A client of the interface; ``name`` is what errors call it.

        Raises:
            InputError: a variable that holds a credential is not set.
        """
        return WebApi(name, self.url.rstrip("/"), self.credentials(), trusted=self.trusted)


class Site(Frozen):
    """An archive that already runs. ``settings`` is what its administrator says is in force."""

    name: Name = Field(description="what tables call it")
    kind: SiteKind = Field(description="whose interface it has")
    dicom: SiteDicom
    web: SiteWeb
    device: str = Field("dcm4chee-arc", description="kind dcm4chee: its dicomDeviceName")
    received_aetitle: AETitle = Field(
        "AS_RECEIVED", description="kind dcm4chee: AE that hands out objects as received"
    )
    keeps_objects: bool = Field(
        False, description="kind dicomweb: required, accepts that what the lab sends stays there"
    )
    settings: Mapping[str, object] = Field(
        default_factory=dict, description="neutral settings that are in force there"
    )

    @field_validator("settings")
    @classmethod
    def _known_settings(cls, value: Mapping[str, object]) -> Mapping[str, object]:
        given = set(value) & {"aetitle", "known_aes", "tls"}
        if given:
            raise ValueError(
                f"{', '.join(sorted(given))} can't be declared here: the title and TLS stand"
                " under dicom, and the table of remote AEs is asked for"
            )
        try:
            ArchiveSettings.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"{where}: {first['msg']}") from None
        return value

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind == "dicomweb" and not self.keeps_objects:
            raise ValueError(
                "DICOMweb can't delete, so what the lab sends stays there: expected"
                " 'keeps_objects: true' to say that this is fine"
            )
        if self.kind != "dicomweb" and self.keeps_objects:
            raise ValueError(
                f"kind {self.kind} removes what the lab sent; keeps_objects is for kind dicomweb"
            )
        return self

    @property
    def declared(self) -> ArchiveSettings:
        """The settings that are in force there, as far as the file says."""
        return ArchiveSettings.model_validate({**self.settings, "aetitle": self.dicom.aetitle})

    @property
    def client_tls(self) -> Tls | None:
        """What a modality needs to open TLS to the archive (absolute paths); None: plain TCP."""
        tls = self.dicom.tls
        if tls is None:
            return None
        return Tls(trusted=tls.trusted, certificate=tls.certificate, key=tls.key)


def read_site(file: Path) -> Site:
    """Read a site file; paths in it become absolute, relative to the file.

    Raises:
        InvalidFileError: it is wrong; every problem is in the error, with its line.
        InputError: it can't be read, a file or an environment variable that it names is missing.
    """
    site = read_model(file, Site, "a file that describes an archive (STACK=@site.yaml)")
    site = _with_absolute_paths(site, file.resolve().parent)
    site.web.credentials()
    return site


def _with_absolute_paths(site: Site, folder: Path) -> Site:
    def absolute(name: str | None) -> str | None:
        if name is None:
            return None
        path = folder / name
        if not path.is_file():
            raise InputError(f"site {site.name!r} names {name}, but there is no file {path}")
        return str(path)

    web = site.web.model_copy(update={"trusted": absolute(site.web.trusted)})
    dicom = site.dicom
    if dicom.tls is not None:
        paths = {key: absolute(value) for key, value in dicom.tls.model_dump().items()}
        dicom = dicom.model_copy(update={"tls": SiteTls.model_validate(paths)})
    return site.model_copy(update={"web": web, "dicom": dicom})


def _value_of(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        raise InputError(
            f"the site's file takes a credential from the environment variable {variable},"
            f" which is not set; expected: export {variable}=…"
        )
    return value
