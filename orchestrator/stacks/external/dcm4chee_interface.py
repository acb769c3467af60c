"""A DCM4CHEE that already runs."""

from __future__ import annotations

from pathlib import Path

from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.settings import ArchiveSettings
from orchestrator.errors import LabError
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import Native
from orchestrator.stacks.dcm4chee.configuration import Dcm4cheeConfiguration
from orchestrator.stacks.dcm4chee.dialect import Dcm4cheeDialect
from orchestrator.stacks.dcm4chee.rest import Dcm4cheeRest
from orchestrator.stacks.dcm4chee.stack import COERCIONS
from orchestrator.stacks.external.interface import keeper
from orchestrator.stacks.external.site import Site


class Dcm4cheeInterface:
    """DCM4CHEE over its REST API."""

    coercions = COERCIONS
    changeable = frozenset(ArchiveSettings.model_fields) - {"aetitle", "tls"}
    unchangeable = "renaming somebody's archive or exchanging its keys would lock others out"

    def __init__(self, site: Site, kept_in: Path) -> None:
        self._title = site.dicom.aetitle
        self._site = site
        self._kept_in = kept_in
        self._rest = Dcm4cheeRest(site.web.api(f"DCM4CHEE {site.name}"), site.received_aetitle)
        self.dialect = Dcm4cheeDialect(device=site.device)
        self._configuration: Dcm4cheeConfiguration | None = None

    def version(self) -> str:
        """First value of the device's ``dicomSoftwareVersion``."""
        if not self._rest.started():
            raise LabError(
                f"DCM4CHEE {self._site.name} at {self._site.web.url} does not report STARTED on"
                " GET /dcm4chee-arc/ctrl/status; start it, or correct the site's web address"
            )
        return self._configured().version

    def has(self, study_instance_uid: str) -> bool:
        """QIDO-RS."""
        return self._rest.has(study_instance_uid)

    def fingerprints(self, study_instance_uid: str) -> tuple[Fingerprint, ...]:
        """WADO-RS of what was received."""
        return self._rest.fingerprints(study_instance_uid)

    def delete(self, study_instance_uid: str) -> None:
        """Reject and delete."""
        self._rest.delete_study(self._title, study_instance_uid)

    def knows(self, title: str) -> bool:
        """``GET /aes``."""
        return title in self._rest.aes()

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        """``export/dicom:{to}``."""
        return self._rest.export(self._title, study_instance_uid, to)

    def apply(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """Replace the device and reload."""
        return self._configured().apply(settings)

    def read_back(self) -> Native:
        """The device and the table of AEs."""
        return self._configured().read_back()

    def restore(self) -> None:
        """The device and the AEs as they were."""
        if self._configuration is not None:
            self._configuration.restore()

    def close(self) -> None:
        """Drop the connection."""
        self._rest.close()

    def _configured(self) -> Dcm4cheeConfiguration:
        if self._configuration is None:
            self._configuration = Dcm4cheeConfiguration(
                self._rest, self.dialect, self._title, remember=keeper(self._kept_in)
            )
        return self._configuration
