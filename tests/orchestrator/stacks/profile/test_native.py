"""Settings compared in a vendor's own words."""

from __future__ import annotations

from dicom.settings import ArchiveSettings, KnownAE
from orchestrator.stacks.native import native_changes
from orchestrator.stacks.orthanc.dialect import OrthancDialect

DIALECT = OrthancDialect("1.12.7")
PEER = KnownAE(title="PEER", host="peer", port=104)


def shown(before: ArchiveSettings, after: ArchiveSettings) -> list[str]:
    return [str(change) for change in native_changes(DIALECT, before, after)]


def test_a_key_that_appears_or_goes_is_absent_on_one_side() -> None:
    checked = ArchiveSettings(check_called_aetitle=True)
    assert shown(ArchiveSettings(), checked) == [
        "orthanc.json: DicomCheckCalledAet (absent) → true"
    ]
    assert shown(checked, ArchiveSettings()) == [
        "orthanc.json: DicomCheckCalledAet true → (absent)"
    ]


def test_a_changed_line_of_a_table_is_named_by_its_path() -> None:
    before = ArchiveSettings(known_aes=(PEER,))
    after = ArchiveSettings(known_aes=(PEER.model_copy(update={"port": 105}),))
    assert shown(before, after) == ["orthanc.json: DicomModalities.PEER.Port 104 → 105"]


def test_equal_settings_change_nothing() -> None:
    settings = ArchiveSettings(known_aes=(PEER,), accepted_sop_classes=("CTImageStorage",))
    assert shown(settings, settings.model_copy()) == []
