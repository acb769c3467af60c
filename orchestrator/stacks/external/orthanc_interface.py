"""An Orthanc that already runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.settings import ArchiveSettings
from orchestrator.model.native_change import NativeChange
from orchestrator.stacks.base import Native
from orchestrator.stacks.external.interface import keeper
from orchestrator.stacks.external.site import Site
from orchestrator.stacks.native import changes_between
from orchestrator.stacks.orthanc.dialect import OrthancDialect
from orchestrator.stacks.orthanc.rest import OrthancRest


class OrthancInterface:
    """Orthanc over its REST API: only its table of modalities can be changed from afar."""

    coercions: Mapping[str, str] = {}
    changeable = frozenset({"known_aes"})
    unchangeable = "it stands in the archive's JSON file, which the lab can't reach from here"
    _TABLE: Final = "DicomModalities"

    def __init__(self, site: Site, kept_in: Path) -> None:
        self._site = site
        self._rest = OrthancRest(site.web.api(f"Orthanc {site.name}"))
        self.dialect = OrthancDialect()
        self._in_force = ArchiveSettings(aetitle=site.dicom.aetitle)
        self._remember = keeper(kept_in)
        #: Entries that were touched, as they were (None: not there).
        self._before: dict[str, dict[str, object] | None] = {}

    def version(self) -> str:
        """``Version`` of ``GET /system``."""
        version = str(self._rest.system()["Version"])
        self.dialect = OrthancDialect(version)
        return version

    def has(self, study_instance_uid: str) -> bool:
        """``POST /tools/lookup``."""
        return bool(self._rest.studies(study_instance_uid))

    def fingerprints(self, study_instance_uid: str) -> tuple[Fingerprint, ...]:
        """Every instance by Orthanc's own identifier, so that a second copy shows (F13b)."""
        found = self._rest.instances(study_instance_uid)
        return tuple(self._rest.fingerprint(each) for each in found)

    def delete(self, study_instance_uid: str) -> None:
        """``DELETE /studies/{id}`` for each patient that has it."""
        for identifier in self._rest.studies(study_instance_uid):
            self._rest.delete_study(identifier)

    def knows(self, title: str) -> bool:
        """Whether there is a modality of that name, which is what Orthanc sends by."""
        return title in self._rest.modalities()

    def forward(self, study_instance_uid: str, to: str) -> ForwardReport:
        """``POST /modalities/{to}/store``."""
        return self._rest.store(to, self._rest.studies(study_instance_uid))

    def apply(self, settings: ArchiveSettings) -> tuple[NativeChange, ...]:
        """Add, replace and remove modalities; in force at once."""
        there = self._rest.modalities()
        wanted = self._table(settings)
        before = self._table(self._in_force)
        for name in before.keys() - wanted.keys() & there.keys():
            self._set(name, None, there)
        for name, entry in wanted.items():
            if name not in there or not _says(there[name], entry):
                self._set(name, entry, there)
        self._in_force = settings
        return changes_between(
            f"{self._site.name}: REST /modalities",
            {self._TABLE: _seen(there, before | wanted)},
            {self._TABLE: _seen(self._rest.modalities(), before | wanted)},
        )

    def read_back(self) -> Native:
        """The entries that the lab set, as Orthanc reports them, and those it should have lost."""
        touched = self._before.keys() | self._table(self._in_force).keys()
        there = self._rest.modalities()
        wanted = self._table(self._in_force)
        present = {name: wanted.get(name, {}) for name in touched}
        return {"DicomAet": self._rest.system()["DicomAet"], self._TABLE: _seen(there, present)}

    def restore(self) -> None:
        """Each touched entry as it was."""
        for name, entry in list(self._before.items()):
            if entry is not None:
                self._rest.put_modality(name, entry)
            elif name in self._rest.modalities():
                self._rest.delete_modality(name)
            del self._before[name]
        self._in_force = ArchiveSettings(aetitle=self._site.dicom.aetitle)

    def close(self) -> None:
        """Drop the connection."""
        self._rest.close()

    def _table(self, settings: ArchiveSettings) -> dict[str, dict[str, object]]:
        plain = ArchiveSettings(aetitle=settings.aetitle, known_aes=settings.known_aes)
        table = self.dialect.translate(plain)[self._TABLE]
        if not isinstance(table, dict):
            raise TypeError(f"expected a table of modalities, saw {table!r}")
        return table

    def _set(
        self,
        name: str,
        entry: dict[str, object] | None,
        there: Mapping[str, dict[str, object]],
    ) -> None:
        if name not in self._before:
            self._remember({"DicomModalities": dict(there)})
            self._before[name] = there.get(name)
        if entry is None:
            self._rest.delete_modality(name)
        else:
            self._rest.put_modality(name, entry)


def _says(entry: Mapping[str, object], wanted: Mapping[str, object]) -> bool:
    """Whether an entry as Orthanc reports it, with all its fields, is the one wanted."""
    return all(entry.get(key) == value for key, value in wanted.items())


def _seen(
    there: Mapping[str, Mapping[str, object]], wanted: Mapping[str, Mapping[str, object]]
) -> dict[str, object]:
    """Of the entries named in ``wanted`` what Orthanc reports in the fields that the lab sets."""
    fields = ("AET", "Host", "Port")
    return {
        name: {key: there[name].get(key) for key in (*fields, *(set(entry) - set(fields)))}
        for name, entry in wanted.items()
        if name in there
    }
