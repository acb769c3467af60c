"""Neutral settings in Orthanc's own keys."""

from __future__ import annotations

import pytest

from dicom.settings import ArchiveSettings, KnownAE, TlsServer
from orchestrator.stacks.native import native_changes
from orchestrator.stacks.orthanc.dialect import OrthancDialect

CT = KnownAE(title="CT", host="ct", port=104)
HEALTHY = ArchiveSettings(aetitle="ORTHANC", known_aes=(CT,))


def changed(**settings: object) -> dict[str, str]:
    after = ArchiveSettings.model_validate({**HEALTHY.model_dump(), **settings})
    return {change.key: change.after for change in native_changes(OrthancDialect(), HEALTHY, after)}


def test_untouched_settings_leave_every_key_as_shipped() -> None:
    assert OrthancDialect().translate(HEALTHY) == {
        "DicomAet": "ORTHANC",
        "DicomModalities": {"CT": {"AET": "CT", "Host": "ct", "Port": 104}},
    }


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"check_called_aetitle": True}, {"DicomCheckCalledAet": "true"}),
        ({"case_sensitive_aetitle": True}, {"StrictAetComparison": "true"}),
        ({"max_pdu_length": 4096}, {"MaximumPduLength": "4096"}),
        ({"synchronous_move": False}, {"SynchronousCMove": "false"}),
        ({"idle_timeout": 2.6}, {"DicomScpTimeout": "3"}),
        ({"overwrite_policy": "always"}, {"OverwriteInstances": "true"}),
        ({"accept_unknown_sop_classes": True}, {"UnknownSopClassAccepted": "true"}),
        (
            {"accepted_sop_classes": ["MRImageStorage"]},
            {"AcceptedSopClasses": '["1.2.840.10008.5.1.4.1.1.4"]'},
        ),
        (
            {"accepted_transfer_syntaxes": ["ImplicitVRLittleEndian"]},
            {"AcceptedTransferSyntaxes": '["1.2.840.10008.1.2"]'},
        ),
        ({"known_aes": []}, {"DicomModalities.CT": "(absent)"}),
    ],
)
def test_each_setting_is_one_key(settings: dict[str, object], expected: dict[str, str]) -> None:
    assert changed(**settings) == expected


def test_a_list_of_callers_closes_every_service_to_strangers() -> None:
    keys = changed(accepted_calling_aetitles=["CT"])
    assert set(keys) == {
        f"DicomAlwaysAllow{word}"
        for word in ("Echo", "Store", "Find", "FindWorklist", "Move", "Get")
    }
    assert set(keys.values()) == {"false"}


def test_a_caller_that_is_not_listed_stays_a_destination_but_may_ask_for_nothing() -> None:
    keys = changed(accepted_calling_aetitles=["OTHER"])
    assert keys["DicomModalities.CT.AllowStore"] == "false"
    assert "DicomModalities.CT" not in keys
    assert '"AET": "OTHER"' in keys["DicomModalities.OTHER"]


def test_a_refused_service_is_off_for_strangers_and_for_everybody_in_the_table() -> None:
    keys = changed(refused_services=["store"])
    assert keys["DicomAlwaysAllowStore"] == "false"
    assert keys["DicomAlwaysAllowEcho"] == "true"
    assert keys["DicomAlwaysAllowFind"] == "false", "strangers never could (F2b)"
    assert keys["DicomModalities.CT.AllowStore"] == "false"


def test_tls_names_the_material_of_the_run() -> None:
    dialect = OrthancDialect(certificates="/lab/tls")
    keys = dialect.translate(HEALTHY.model_copy(update={"tls": TlsServer()}))
    assert keys["DicomTlsCertificate"] == "/lab/tls/archive.pem"
    assert keys["DicomTlsTrustedCertificates"] == "/lab/tls/lab-ca.pem"
    assert keys["DicomTlsRemoteCertificateRequired"] is True
    lenient = TlsServer(require_client_certificate=False)
    keys = dialect.translate(HEALTHY.model_copy(update={"tls": lenient}))
    assert keys["DicomTlsRemoteCertificateRequired"] is False


def test_a_list_of_sop_classes_needs_a_version_that_knows_it() -> None:
    settings = HEALTHY.model_copy(update={"accepted_sop_classes": ("CTImageStorage",)})
    assert "accepted_sop_classes" in OrthancDialect("1.10.1").unsupported(settings)
    assert not OrthancDialect("1.12.7").unsupported(settings)


def test_what_orthanc_does_not_have_is_said_with_the_reason() -> None:
    settings = HEALTHY.model_copy(update={"max_associations": 3, "overwrite_policy": "same-source"})
    assert set(OrthancDialect("1.12.7").unsupported(settings)) == {
        "max_associations",
        "overwrite_policy",
    }
