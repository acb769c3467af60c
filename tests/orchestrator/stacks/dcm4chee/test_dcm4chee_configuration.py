"""Changing a running DCM4CHEE: in the right order, provably, and back again."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping

import pytest

from dicom.settings import ArchiveSettings, KnownAE
from orchestrator.errors import LabError, UnsupportedError
from orchestrator.stacks.dcm4chee.configuration import Dcm4cheeConfiguration
from orchestrator.stacks.dcm4chee.dialect import Dcm4cheeDialect
from orchestrator.stacks.dcm4chee.rest import Dcm4cheeRest
from orchestrator.stacks.native import not_in_force
from tests.orchestrator.stacks.dcm4chee.fake_dcm4chee import (
    CT,
    MR,
    FakeDcm4chee,
    capability,
    remote,
)

DIALECT = Dcm4cheeDialect()
WORKSTATION = KnownAE(title="WORKSTATION", host="workstation", port=11104)
STORESCP = KnownAE(title="STORESCP", host="workstation", port=11104)


def with_settings(**settings: object) -> ArchiveSettings:
    return ArchiveSettings.model_validate({"aetitle": "DCM4CHEE", **settings})


@pytest.fixture
def configuration(rest: Dcm4cheeRest) -> Dcm4cheeConfiguration:
    return Dcm4cheeConfiguration(rest, DIALECT, "DCM4CHEE")


def test_the_version_is_the_one_that_the_archive_wrote_into_its_device(
    configuration: Dcm4cheeConfiguration,
) -> None:
    assert configuration.version == "5.35.0"


def test_a_new_setting_is_put_and_then_reloaded(
    configuration: Dcm4cheeConfiguration, fake: FakeDcm4chee
) -> None:
    changes = configuration.apply(with_settings(accepted_calling_aetitles=("CT",)))
    assert fake.calls == ["PUT /devices/dcm4chee-arc", "POST /ctrl/reload"]
    assert [str(each) for each in changes] == [
        'LDAP device dcm4chee-arc: dcmAcceptedCallingAETitle [] → ["CT"]'
    ]
    ae = fake.running["dicomNetworkAE"][0]
    assert ae["dcmNetworkAE"]["dcmAcceptedCallingAETitle"] == ["CT"]


def test_a_change_shows_the_value_that_was_in_force_before(
    configuration: Dcm4cheeConfiguration,
) -> None:
    there = configuration.apply(with_settings(idle_timeout=2))
    back = configuration.apply(with_settings())
    assert [(each.before, each.after) for each in there] == [("300000", "2000")]
    assert [(each.before, each.after) for each in back] == [("2000", "300000")]


def test_settings_in_force_already_are_not_put_again(
    configuration: Dcm4cheeConfiguration, fake: FakeDcm4chee
) -> None:
    settings = with_settings(max_pdu_length=16378, known_aes=(WORKSTATION,))
    configuration.apply(settings)
    fake.calls.clear()
    assert configuration.apply(settings) == ()
    assert fake.calls == []


def test_a_remote_ae_that_was_asked_for_too_early_is_known_after_the_reload(
    configuration: Dcm4cheeConfiguration, rest: Dcm4cheeRest, fake: FakeDcm4chee
) -> None:
    assert rest.export("DCM4CHEE", "1.2.3", "WORKSTATION").http_status == 404
    fake.calls.clear()
    configuration.apply(with_settings(known_aes=(WORKSTATION,)))
    assert fake.calls == ["POST /devices/pacslab-WORKSTATION", "POST /ctrl/reload"]
    assert fake.bodies[-1] == {
        "dicomDeviceName": "pacslab-WORKSTATION",
        "dicomInstalled": True,
        "dicomNetworkConnection": [
            {"cn": "dicom", "dicomHostname": "workstation", "dicomPort": 11104}
        ],
        "dicomNetworkAE": [
            {
                "dicomAETitle": "WORKSTATION",
                "dicomAssociationInitiator": True,
                "dicomAssociationAcceptor": True,
                "dicomNetworkConnectionReference": ["/dicomNetworkConnection/0"],
            }
        ],
    }
    assert rest.export("DCM4CHEE", "1.2.3", "WORKSTATION").http_status == 200


def test_a_forgotten_ae_is_forgotten_after_the_reload(
    configuration: Dcm4cheeConfiguration, rest: Dcm4cheeRest, fake: FakeDcm4chee
) -> None:
    configuration.apply(with_settings(known_aes=(WORKSTATION,)))
    assert "WORKSTATION" in rest.aes()
    changes = configuration.apply(with_settings())
    assert fake.calls[-2:] == ["DELETE /devices/pacslab-WORKSTATION", "POST /ctrl/reload"]
    assert [(each.key, each.after) for each in changes] == [("aes.WORKSTATION", "(absent)")]
    assert "WORKSTATION" not in rest.aes()
    assert rest.export("DCM4CHEE", "1.2.3", "WORKSTATION").http_status == 404


def test_an_ae_with_another_address_is_corrected(
    configuration: Dcm4cheeConfiguration, fake: FakeDcm4chee
) -> None:
    configuration.apply(with_settings(known_aes=(WORKSTATION,)))
    moved = WORKSTATION.model_copy(update={"port": 104})
    changes = configuration.apply(with_settings(known_aes=(moved,)))
    assert fake.calls[-2:] == ["PUT /devices/pacslab-WORKSTATION", "POST /ctrl/reload"]
    assert [(each.key, each.after) for each in changes] == [("aes.WORKSTATION.dicomPort", "104")]


def test_every_change_is_proven_by_reading_back(configuration: Dcm4cheeConfiguration) -> None:
    steps = (
        with_settings(known_aes=(WORKSTATION, STORESCP)),
        with_settings(known_aes=(WORKSTATION,), refused_services=("store",)),
        with_settings(aetitle="NEWPACS", accepted_sop_classes=(MR,), overwrite_policy="never"),
        with_settings(max_associations=1, accepted_calling_aetitles=()),
        with_settings(),
    )
    for settings in steps:
        changes = configuration.apply(settings)
        assert changes
        wanted = DIALECT.translate(settings)
        assert not_in_force(configuration.read_back(), wanted, changes) == []


def test_a_setting_that_did_not_take_shows_in_what_is_read_back(
    configuration: Dcm4cheeConfiguration, fake: FakeDcm4chee
) -> None:
    settings = with_settings(accepted_calling_aetitles=("CT",))
    changes = configuration.apply(settings)
    del fake.devices["dcm4chee-arc"]["dicomNetworkAE"][0]["dcmNetworkAE"][
        "dcmAcceptedCallingAETitle"
    ]
    wrong = not_in_force(configuration.read_back(), DIALECT.translate(settings), changes)
    assert wrong == ['dcmAcceptedCallingAETitle is [], expected ["CT"]']


def test_a_setting_that_stays_after_its_repair_shows_in_what_is_read_back(
    configuration: Dcm4cheeConfiguration, fake: FakeDcm4chee
) -> None:
    configuration.apply(with_settings(max_associations=1))
    changes = configuration.apply(with_settings())
    fake.devices["dcm4chee-arc"]["dcmDevice"]["dcmLimitOpenAssociations"] = 1
    wrong = not_in_force(configuration.read_back(), DIALECT.translate(with_settings()), changes)
    assert wrong == ["dcmLimitOpenAssociations is 1, expected (absent)"]


def test_everything_is_as_it_was_after_restoring(
    configuration: Dcm4cheeConfiguration, fake: FakeDcm4chee
) -> None:
    before = copy.deepcopy(fake.devices)
    configuration.apply(
        with_settings(
            aetitle="NEWPACS",
            known_aes=(WORKSTATION, STORESCP),
            refused_services=("find",),
            max_pdu_length=4096,
        )
    )
    configuration.apply(with_settings(known_aes=(WORKSTATION,)))
    configuration.apply(with_settings(known_aes=(STORESCP,)))
    assert fake.devices != before
    configuration.restore()
    assert _unordered(fake.devices) == _unordered(before)
    assert fake.calls[-1] == "POST /ctrl/reload"
    fake.calls.clear()
    configuration.restore()
    assert fake.calls == []


def test_an_ae_that_shares_its_device_is_left_alone(
    configuration: Dcm4cheeConfiguration, fake: FakeDcm4chee
) -> None:
    fake.devices["shared"] = remote("shared", "STORE2", "QUERY2")
    with pytest.raises(UnsupportedError, match=r"device shared together with QUERY2"):
        configuration.apply(with_settings(known_aes=(KnownAE(title="STORE2", host="h", port=1),)))
    assert fake.devices["shared"] == remote("shared", "STORE2", "QUERY2")


def test_one_of_the_archives_own_titles_is_not_given_to_another_node(
    configuration: Dcm4cheeConfiguration,
) -> None:
    own = KnownAE(title="AS_RECEIVED", host="h", port=1)
    with pytest.raises(UnsupportedError, match="one of DCM4CHEE's own"):
        configuration.apply(with_settings(known_aes=(own,)))


def test_a_device_that_the_archive_did_not_let_the_lab_create_is_not_the_labs_to_delete(
    configuration: Dcm4cheeConfiguration, fake: FakeDcm4chee
) -> None:
    theirs = remote("pacslab-WORKSTATION", "OTHER")
    fake.devices["pacslab-WORKSTATION"] = theirs
    with pytest.raises(LabError, match="already exists"):
        configuration.apply(with_settings(known_aes=(WORKSTATION,)))
    configuration.restore()
    assert fake.devices["pacslab-WORKSTATION"] == theirs


def test_the_remains_of_a_killed_run_are_removed_with_the_labs_own(
    fake: FakeDcm4chee, rest: Dcm4cheeRest
) -> None:
    fake.devices["pacslab-WORKSTATION"] = remote("pacslab-WORKSTATION", "WORKSTATION")
    configuration = Dcm4cheeConfiguration(rest, DIALECT, "DCM4CHEE")
    configuration.apply(with_settings(known_aes=(WORKSTATION,)))
    configuration.restore()
    assert "pacslab-WORKSTATION" not in fake.devices


def test_a_setting_that_dcm4chee_lacks_changes_nothing(
    configuration: Dcm4cheeConfiguration, fake: FakeDcm4chee
) -> None:
    with pytest.raises(UnsupportedError, match="check_called_aetitle"):
        configuration.apply(with_settings(check_called_aetitle=False, max_pdu_length=4096))
    assert fake.calls == []


def test_a_reload_that_fails_is_an_error_with_the_archives_words(
    configuration: Dcm4cheeConfiguration, fake: FakeDcm4chee
) -> None:
    fake.fail_next["POST /ctrl/reload"] = (409, '{"errorMessage":"LDAP down"}', {})
    with pytest.raises(LabError, match=r"409, expected 200 or 204.*LDAP down"):
        configuration.apply(with_settings(max_pdu_length=4096))
    configuration.restore()
    assert fake.running == fake.devices["dcm4chee-arc"]
    options = fake.running["dicomNetworkConnection"][1]["dcmNetworkConnection"]
    assert "dcmReceivePDULength" not in options


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    rest: Dcm4cheeRest, fake: FakeDcm4chee
) -> None:
    kept: list[Mapping[str, object]] = []
    guest = Dcm4cheeConfiguration(rest, DIALECT, "DCM4CHEE", remember=kept.append)
    guest.apply(with_settings(max_pdu_length=4096))
    assert [each["dicomDeviceName"] for each in kept] == ["dcm4chee-arc"]
    fake.devices["dcm4chee-arc"]["dicomDescription"] = "changed by the site's administrator"
    with pytest.raises(LabError, match="somebody else changed device dcm4chee-arc"):
        guest.apply(with_settings())
    assert "dicomDescription" in fake.devices["dcm4chee-arc"]


def test_a_long_list_is_shortened_in_a_change(fake: FakeDcm4chee, rest: Dcm4cheeRest) -> None:
    ae = fake.devices["dcm4chee-arc"]["dicomNetworkAE"][0]
    ae["dicomTransferCapability"] += [
        capability(f"1.2.840.113619.9.{number}", "SCP", "1.2.840.10008.1.2") for number in range(60)
    ]
    configuration = Dcm4cheeConfiguration(rest, DIALECT, "DCM4CHEE")
    changes = {
        each.key: each for each in configuration.apply(with_settings(accepted_sop_classes=(CT,)))
    }
    change = changes["dicomTransferCapability (store SCP)"]
    assert json.loads(change.before)[3] == "… 60 more"
    assert json.loads(change.after) == [CT]


def _unordered(part: object) -> object:
    if isinstance(part, dict):
        return {key: _unordered(value) for key, value in part.items()}
    if isinstance(part, list):
        return sorted((_unordered(each) for each in part), key=lambda each: json.dumps(each))
    return part
