"""A scenario and its variants as data."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dicom.ladder import Outcome, Rung, Signature
from dicom.settings import ArchiveSettings, TlsServer
from orchestrator.faults.addressing import WrongCalledAETitle
from orchestrator.model.modality_settings import ModalitySettings
from orchestrator.model.scenario import Expect, Expectation, Remedy, Route, Scenario

WRONG_TITLE = WrongCalledAETitle(title="OLD")
REJECTED = Outcome(rung=Rung.ASSOCIATE, signature=Signature.rejected(1, 1, 7))


def scenario(**changes: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "wrong-title",
            "title": "A title is wrong",
            "category": "addressing",
            "story": "Somebody mistyped it.",
            "roles": {
                "ct": {"kind": "modality"},
                "archive": {"kind": "archive"},
                "peer": {"kind": "archive"},
            },
            "routes": {
                "store": {"probe": "store", "from": "ct", "to": "archive"},
                "forward": {"probe": "forward", "from": "archive", "to": "peer"},
            },
            "settings": {"archive": {"tls": {}, "max_pdu_length": 16384}},
            "fault": WRONG_TITLE,
            "expect": {
                "baseline": [{"outcome": "success", "why": "healthy"}],
                "fault": [{"outcome": {"associate": "rejected 1/1/7"}}],
            },
            **changes,
        }
    )


def varied(**overrides: Any) -> Scenario:
    return scenario(variants={"other": {"title": "Other", **overrides}}).variant("other")


def test_no_variant_is_the_scenario_itself() -> None:
    assert scenario().variant(None) == scenario()


def test_a_variant_that_gives_nothing_changes_nothing() -> None:
    assert varied() == scenario()


def test_settings_are_laid_over_key_by_key() -> None:
    told = varied(settings={"archive": {"max_pdu_length": None}, "peer": {"tls": {}}})
    assert told.settings == {
        "archive": ArchiveSettings(tls=TlsServer(), max_pdu_length=None),
        "peer": ArchiveSettings(tls=TlsServer()),
    }
    assert told.settings["archive"].model_fields_set == {"tls", "max_pdu_length"}


def test_expectations_are_replaced_phase_by_phase() -> None:
    told = varied(expect={"fault": [{"outcome": "success"}]})
    assert told.expect.fault[0].outcomes == ("success",)
    assert told.expect.baseline[0].why == "healthy"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fault", WrongCalledAETitle(title="OTHER")),
        ("fix", "revert"),
        ("fix", {"settings": {"archive": {"check_called_aetitle": False}}}),
        ("study", {"images": 7}),
    ],
)
def test_everything_else_is_replaced_whole(key: str, value: object) -> None:
    assert varied(**{key: value}) == scenario(**{key: value})


def test_a_variant_can_keep_to_some_routes() -> None:
    assert list(varied(routes=["forward"]).routes) == ["forward"]


def test_an_unknown_variant_is_not_made_up() -> None:
    with pytest.raises(KeyError):
        scenario().variant("other")


def test_phases_are_three_with_a_fault_and_one_without() -> None:
    assert scenario().phases == ("baseline", "fault", "fix")
    assert scenario(fault=None).phases == ("baseline",)


def test_a_route_names_its_roles_once_and_its_positions() -> None:
    route = Route.model_validate(
        {"probe": "move", "from": "screen", "to": "archive", "destination": "screen"}
    )
    assert route.roles == ("screen", "archive")
    assert route.positions == {"from": "screen", "to": "archive", "destination": "screen"}
    assert "destination" not in scenario().routes["store"].positions


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("success", ("success",)),
        ({"associate": "rejected 1/1/7"}, (REJECTED,)),
        (["success", {"associate": "rejected 1/1/7"}], ("success", REJECTED)),
        (REJECTED, (REJECTED,)),
    ],
)
def test_an_outcome_is_written_alone_or_in_a_list(written: object, read: object) -> None:
    assert Expectation.model_validate({"outcome": written}).outcomes == read


def test_a_phase_left_out_expects_success() -> None:
    assert Expect().fix == (Expectation(outcome="success"),)


def test_a_remedy_is_told_from_a_revert() -> None:
    assert scenario().fix == "revert"
    assert isinstance(scenario(fix={"settings": {"archive": {}}}).fix, Remedy)


def test_a_scenario_survives_being_written_down() -> None:
    variants = {"other": {"title": "Other", "fix": {"settings": {"peer": {}}}}}
    told = scenario(variants=variants, fault=None)  # files have their own words for a fault
    assert Scenario.model_validate_json(told.model_dump_json(by_alias=True)) == told


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Wrong Title"},
        {"routes": {}},
        {"fault": {"wrong-called-aetitle": {"title": "OLD"}}},
        {"settings": {"ct": ArchiveSettings()}},
        {"settings": {"archive": ModalitySettings()}},
        {"fix": {"settings": {"ct": ArchiveSettings()}}},
        {"variants": {"other": {"title": "Other", "settings": {"ct": ArchiveSettings()}}}},
        {"fix": "rewert"},
        {"expect": {"fault": []}},
        {"surprise": 1},
    ],
)
def test_what_is_no_scenario_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        scenario(**changes)
