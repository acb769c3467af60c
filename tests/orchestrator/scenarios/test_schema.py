"""The published JSON Schemas: current, and of one mind with the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from orchestrator.errors import InputError
from orchestrator.faults.base import FAULTS
from orchestrator.scenarios.schema import SCHEMAS, published, schema_text

ROOT = Path(__file__).parents[3]
SCENARIOS = sorted((ROOT / "scenarios").glob("*/*.yaml"))


@pytest.fixture(scope="module")
def scenarios() -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema_text("scenario")))


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_the_published_schema_is_current(name: str) -> None:
    text = published(ROOT / "schema", name).read_text(encoding="utf-8")
    assert text == schema_text(name), "run: python -m orchestrator.scenarios.schema"


@pytest.mark.parametrize("name", list(SCHEMAS))
def test_a_schema_is_itself_valid(name: str) -> None:
    Draft202012Validator.check_schema(json.loads(schema_text(name)))


def test_an_unknown_schema_is_an_input_error() -> None:
    with pytest.raises(InputError, match="did you mean 'scenario'"):
        schema_text("scenaro")


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_an_editor_finds_no_fault_with_a_shipped_scenario(
    scenarios: Draft202012Validator, file: Path
) -> None:
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert [error.message for error in scenarios.iter_errors(data)] == []


def good() -> Any:
    return {
        "name": "wrong-port",
        "title": "A port is wrong",
        "category": "addressing",
        "story": "Somebody mistyped it.",
        "roles": {"ct": {"kind": "modality"}, "archive": {"kind": "archive"}},
        "routes": {"store": {"probe": "store", "from": "ct", "to": "archive"}},
        "fault": "wrong-port",
        "expect": {"fault": [{"outcome": {"connect": "refused"}}]},
    }


@pytest.mark.parametrize(
    ("key", "value", "valid"),
    [
        ("title", "Another", True),
        ("titel", "Another", False),
        ("fault", "wrong-prot", False),
        ("fault", "wrong-called-aetitle", False),
        ("fault", None, True),
        ("fault", {"wrong-port": None}, True),
        ("fault", {"wrong-called-aetitle": None}, False),
        ("fault", {"wrong-port": {"port": 1}}, False),
        ("fault", {"wrong-port": {}}, True),
        ("fault", {"wrong-called-aetitle": {"title": "OLD"}}, True),
        ("fault", {"wrong-called-aetitle": {"titel": "OLD"}}, False),
        ("fault", {"wrong-port": {}, "reused-uids": {}}, False),
        ("settings", {"archive": {"check_called_aetitle": True}}, True),
        ("settings", {"archive": {"check_called_aetitel": True}}, False),
        ("fix", "revert", True),
        ("fix", {"settings": {"archive": {"max_pdu_length": 16384}}}, True),
        ("fix", {"settings": {"archive": {"max_pdu_length": 1}}}, False),
        ("expect", {"fault": [{"outcome": "success"}]}, True),
        ("expect", {"fault": [{"outcome": ["success", {"associate": "rejected *"}]}]}, True),
        ("expect", {"fault": [{"outcome": {"associate": "rejected 1/1/7"}}]}, True),
        ("expect", {"fault": [{"outcome": {"associate": "rejected 117"}}]}, False),
        ("expect", {"fault": [{"outcome": {"connect": "rejected 1/1/7"}}]}, False),
        ("expect", {"fault": [{"outcome": {"dimse": "status 0xc000"}}]}, True),
        ("expect", {"fault": [{"outcome": []}]}, False),
        ("routes", {"store": {"probe": "stor", "from": "ct", "to": "archive"}}, False),
        ("roles", {"ct": {"kind": "modalty"}}, False),
        ("variants", {"other": {"title": "Other", "fault": "wrong-port"}}, True),
        ("variants", {"other": {"fault": "wrong-port"}}, False),
        ("variants", {"other": {"title": "Other", "fault": "wrong-prot"}}, False),
        ("variants", {"other": {"title": "Other", "fix": "revrt"}}, False),
        ("variants", {"other": {"title": "Other", "settings": {"archive": {"tsl": {}}}}}, False),
    ],
)
def test_an_editor_sees_what_the_loader_would_complain_about(
    scenarios: Draft202012Validator, key: str, value: object, valid: bool
) -> None:
    assert scenarios.is_valid(good())
    assert scenarios.is_valid({**good(), key: value}) is valid


def test_every_fault_and_its_arguments_are_explained_to_an_editor() -> None:
    definitions = json.loads(schema_text("scenario"))["$defs"]
    for name in FAULTS:
        definition = definitions[FAULTS[name].__name__]
        assert definition["description"], name
        for argument, schema in definition.get("properties", {}).items():
            assert schema.get("description"), f"{name}.{argument}"
