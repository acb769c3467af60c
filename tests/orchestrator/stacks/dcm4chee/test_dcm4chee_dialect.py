"""Neutral settings in DCM4CHEE's own attributes, over its device and back."""

from __future__ import annotations

import pytest

from dicom.settings import ArchiveSettings, KnownAE, TlsServer
from orchestrator.errors import LabError
from orchestrator.stacks.dcm4chee.device import configured, view
from orchestrator.stacks.dcm4chee.dialect import CIPHER_SUITES, Dcm4cheeDialect, service_of
from orchestrator.stacks.native import native_changes
from tests.orchestrator.stacks.dcm4chee.fake_dcm4chee import (
    CT,
    EXPLICIT,
    IMPLICIT,
    JPEG2000,
    MPPS,
    MR,
    PATIENT_FIND,
    PRIVATE,
    STUDY_FIND,
    STUDY_GET,
    STUDY_MOVE,
    VERIFICATION,
    Json,
    capability,
    shipped_device,
)

DIALECT = Dcm4cheeDialect(certificates="/lab/exchange/tls")
SHIPPED = ArchiveSettings(aetitle="DCM4CHEE")
US = "1.2.840.10008.5.1.4.1.1.6.1"


def with_settings(**settings: object) -> ArchiveSettings:
    return ArchiveSettings.model_validate({"aetitle": "DCM4CHEE", **settings})


def device_with(**settings: object) -> Json:
    return configured(shipped_device(), "DCM4CHEE", with_settings(**settings), DIALECT, "pin")


def own_ae(device: Json) -> Json:
    ae: Json = device["dicomNetworkAE"][0]
    return ae


def scp_classes(device: Json) -> set[str]:
    return {
        each["dicomSOPClass"]
        for each in own_ae(device)["dicomTransferCapability"]
        if each["dicomTransferRole"] == "SCP"
    }


def test_settings_left_alone_leave_the_device_as_it_is_shipped() -> None:
    assert configured(shipped_device(), "DCM4CHEE", SHIPPED, DIALECT) == shipped_device()


@pytest.mark.parametrize(
    "settings",
    [
        {"accepted_calling_aetitles": ("CT2", "CT1")},
        {"accepted_calling_aetitles": ()},
        {"overwrite_policy": "never"},
        {"overwrite_policy": "always"},
        {"overwrite_policy": "same-source"},
        {"max_pdu_length": 4096},
        {"max_associations": 3},
        {"idle_timeout": 1.5},
        {"refused_services": ("echo", "store", "find", "move", "get")},
        {"refused_services": ("store",), "accepted_transfer_syntaxes": (IMPLICIT,)},
        {"accepted_sop_classes": ("MRImageStorage", US)},
        {"accepted_transfer_syntaxes": ("JPEG2000Lossless", "ImplicitVRLittleEndian")},
        {"tls": TlsServer(require_client_certificate=False)},
        {"aetitle": "ARCHIVE", "check_called_aetitle": True, "synchronous_move": True},
    ],
)
def test_what_is_put_into_the_device_is_read_out_of_it(settings: dict[str, object]) -> None:
    wanted = with_settings(**settings)
    device = configured(shipped_device(), "DCM4CHEE", wanted, DIALECT, "pin")
    seen = view(device, wanted.aetitle)
    native = {key: value for key, value in DIALECT.translate(wanted).items() if key != "aes"}
    assert {key: seen[key] for key in native} == native
    if set(settings) - {"check_called_aetitle", "synchronous_move"}:
        assert device != shipped_device()


def test_nobody_is_written_as_nobody_but_the_archive_itself() -> None:
    device = device_with(accepted_calling_aetitles=())
    assert own_ae(device)["dcmNetworkAE"]["dcmAcceptedCallingAETitle"] == ["DCM4CHEE"]


def test_a_refused_service_loses_its_transfer_capabilities_and_nothing_else() -> None:
    all_classes = scp_classes(shipped_device())
    lost = {
        service: all_classes - scp_classes(device_with(refused_services=(service,)))
        for service in ("echo", "store", "find", "move", "get")
    }
    assert lost == {
        "echo": {VERIFICATION},
        "store": {CT, MR, PRIVATE},
        "find": {STUDY_FIND, PATIENT_FIND},
        "move": {STUDY_MOVE},
        "get": {STUDY_GET},
    }


def test_what_the_archive_may_send_is_not_touched_by_what_it_accepts() -> None:
    device = device_with(refused_services=("store",), accepted_sop_classes=(MR,))
    sends = [
        each
        for each in own_ae(device)["dicomTransferCapability"]
        if each["dicomTransferRole"] == "SCU"
    ]
    assert [each["dicomSOPClass"] for each in sends] == [CT]
    assert sends[0]["dicomTransferSyntax"] == [IMPLICIT, EXPLICIT, JPEG2000]


def test_a_sop_class_that_is_not_in_the_list_is_added_to_it() -> None:
    device = device_with(accepted_sop_classes=(US,))
    assert scp_classes(device) & {CT, MR, PRIVATE, US} == {US}
    added = own_ae(device)["dicomTransferCapability"][-1]
    assert added["cn"] == "Ultrasound Image Storage SCP"
    assert added["dicomTransferSyntax"] == [IMPLICIT, EXPLICIT]


def test_a_sop_class_that_the_archive_only_sends_is_added_as_well() -> None:
    shipped = shipped_device()
    own_ae(shipped)["dicomTransferCapability"].append(capability(US, "SCU", IMPLICIT))
    settings = with_settings(accepted_sop_classes=(US,))
    assert US in scp_classes(configured(shipped, "DCM4CHEE", settings, DIALECT))


def test_transfer_syntaxes_change_for_storage_only() -> None:
    device = device_with(accepted_transfer_syntaxes=(IMPLICIT,))
    syntaxes = {
        each["dicomSOPClass"]: each["dicomTransferSyntax"]
        for each in own_ae(device)["dicomTransferCapability"]
        if each["dicomTransferRole"] == "SCP"
    }
    assert syntaxes[CT] == syntaxes[MR] == [IMPLICIT]
    assert syntaxes[STUDY_FIND] == [IMPLICIT]


def test_only_the_archives_own_dicom_connections_get_its_limits() -> None:
    device = device_with(max_pdu_length=8192, idle_timeout=2)
    hl7, plain, tls = device["dicomNetworkConnection"]
    assert "dcmReceivePDULength" not in hl7["dcmNetworkConnection"]
    for connection in (plain, tls):
        assert connection["dcmNetworkConnection"]["dcmReceivePDULength"] == 8192
        assert connection["dcmNetworkConnection"]["dcmIdleTimeout"] == 2000


def test_a_new_title_reaches_everything_that_refers_to_the_old_one() -> None:
    device = device_with(aetitle="NEWPACS")
    text = str(device)
    assert "/aets/NEWPACS/rs" in text
    assert "/aets/AS_RECEIVED/rs" in text
    assert own_ae(device)["dicomAETitle"] == "NEWPACS"
    assert device["dcmDevice"]["dcmArchiveDevice"]["dcmRejectionNoteStorageAET"] == "NEWPACS"
    # the web application keeps its name, which nothing refers to
    assert text.count("'DCM4CHEE'") == 1


def test_tls_moves_the_archives_port_and_keeps_a_way_out_to_plain_peers() -> None:
    device = device_with(tls=TlsServer(certificate="archive-expired", trusted="other-ca"))
    _, plain, tls, out = device["dicomNetworkConnection"]
    assert plain["dicomPort"] == 11112
    assert plain["dicomTLSCipherSuite"] == tls["dicomTLSCipherSuite"] == list(CIPHER_SUITES)
    assert plain["dcmNetworkConnection"]["dcmTLSNeedClientAuth"] is True
    assert out["cn"] == "dicom-out"
    assert "dicomPort" not in out
    assert "dicomTLSCipherSuite" not in out
    assert own_ae(device)["dicomNetworkConnectionReference"][-1] == "/dicomNetworkConnection/3"
    shared = device["dcmDevice"]
    assert shared["dcmKeyStoreURL"] == "file:///lab/exchange/tls/archive-expired.key.p12"
    assert shared["dcmTrustStoreURL"] == "file:///lab/exchange/tls/other-ca.trust.p12"
    assert shared["dcmKeyStorePin"] == shared["dcmTrustStorePin"] == "pin"


def test_tls_to_a_peer_leaves_the_archives_own_port_plain() -> None:
    device = device_with(known_aes=(KnownAE(title="CT", host="ct", port=11104, tls=True),))
    plain, tls = device["dicomNetworkConnection"][1:]
    assert "dicomTLSCipherSuite" not in plain
    assert tls["dicomTLSCipherSuite"] == list(CIPHER_SUITES)


def test_the_device_given_is_never_changed() -> None:
    shipped = shipped_device()
    configured(
        shipped,
        "DCM4CHEE",
        with_settings(
            aetitle="A", max_pdu_length=4096, tls=TlsServer(), refused_services=("find",)
        ),
        DIALECT,
    )
    assert shipped == shipped_device()


def test_a_title_that_the_device_does_not_have_is_an_error_that_lists_those_it_has() -> None:
    with pytest.raises(LabError, match=r"no AE titled 'PACS'; it has DCM4CHEE, AS_RECEIVED"):
        view(shipped_device(), "PACS")


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("check_called_aetitle", False, "no switch"),
        ("case_sensitive_aetitle", False, "case-sensitively"),
        ("synchronous_move", False, "after its sub-operations"),
        ("accept_unknown_sop_classes", True, "no wildcard"),
    ],
)
def test_what_dcm4chee_does_not_have_is_said_with_the_reason(
    setting: str, value: bool, reason: str
) -> None:
    said = DIALECT.unsupported(with_settings(**{setting: value}))
    assert list(said) == [setting]
    assert reason in said[setting]
    assert DIALECT.unsupported(with_settings(**{setting: not value})) == {}


def test_a_remote_ae_is_a_line_of_its_own_in_the_changes() -> None:
    known = KnownAE(title="CT", host="ct", port=11104)
    before = SHIPPED.model_copy(update={"known_aes": (known,)})
    after = SHIPPED.model_copy(update={"known_aes": (known.model_copy(update={"port": 1}),)})
    changes = native_changes(DIALECT, before, after)
    assert [str(each) for each in changes] == [
        "LDAP device dcm4chee-arc: aes.CT.dicomPort 11104 → 1"
    ]


@pytest.mark.parametrize(
    ("sop_class", "service"),
    [
        (VERIFICATION, "echo"),
        (PATIENT_FIND, "find"),
        (STUDY_MOVE, "move"),
        (STUDY_GET, "get"),
        (CT, "store"),
        (PRIVATE, "store"),
        ("1.2.840.10008.5.1.4.34.7", "store"),
        (MPPS, None),
        ("1.2.840.10008.1.20.1", None),
        ("1.2.840.10008.5.1.4.31", None),
    ],
)
def test_transfer_capabilities_belong_to_services(sop_class: str, service: str | None) -> None:
    assert service_of(sop_class) == service
