"""An archive of any vendor that already runs and speaks DICOMweb."""

from __future__ import annotations

from collections.abc import Mapping

from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.settings import ArchiveSettings
from orchestrator.errors import UnsupportedError
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import Native
from orchestrator.stacks.dicomweb import DicomWeb
from orchestrator.stacks.external.site import Site


class DicomWebInterface:
    """Any archive with QIDO-RS and WADO-RS: it can be looked at, not changed."""

    coercions: Mapping[str, str] = {}
    changeable: frozenset[str] = frozenset()
    unchangeable = "DICOMweb has no interface for settings"

    def __init__(self, site: Site) -> None:
        self._site = site
        self._api = site.web.api(site.name)
        self._web = DicomWeb(self._api, "")
        self.dialect = _NoWords(site.name)

    def version(self) -> str:
        """DICOMweb does not say; an answer to a query shows that it is there."""
        self._web.has("1.2.3")
        return "unknown"

    def has(self, study_instance_uid: str) -> bool:
        """QIDO-RS."""
        return self._web.has(study_instance_uid)

    def fingerprints(self, study_instance_uid: str) -> tuple[Fingerprint, ...]:
        """WADO-RS."""
        return self._web.fingerprints(study_instance_uid)

    def delete(self, study_instance_uid: str) -> None:
        """DICOMweb has no service that removes a study.

        Raises:
            UnsupportedError: always.
        """
        raise UnsupportedError(
            f"{self._site.name} still holds study {study_instance_uid} and DICOMweb can't remove"
            " it; a scenario that sends the same objects again proves nothing there"
        )

    def knows(self, title: str) -> bool:
        """Nobody can tell; C-MOVE will show."""
        return True

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        """DICOMweb has no service that makes an archive send.

        Raises:
            UnsupportedError: always.
        """
        raise UnsupportedError(f"DICOMweb can't make {self._site.name} send a study to another AE")

    def apply(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """DICOMweb has no interface for settings.

        Raises:
            UnsupportedError: always.
        """
        raise UnsupportedError(f"{self._site.name}: {self.unchangeable}")

    def read_back(self) -> Native:
        """Nothing can be read."""
        return {}

    def restore(self) -> None:
        """Nothing was changed."""

    def close(self) -> None:
        """Drop the connection."""
        self._api.close()


class _NoWords:
    """The dialect of an archive whose settings nobody can see."""

    def __init__(self, name: str) -> None:
        self.where = f"configuration of {name}"

    def unsupported(self, settings: ArchiveSettings) -> Mapping[str, str]:
        return {}

    def translate(self, settings: ArchiveSettings) -> Native:
        """Neutral names, for want of the vendor's."""
        given = settings.model_dump(exclude_defaults=True, mode="json")
        return {"aetitle": settings.aetitle, **given}
