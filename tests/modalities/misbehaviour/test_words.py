"""Misbehaviour in words, as data, and across the control channel."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError

from dicom.association.ends import Caller, Target
from dicom.errors import UsageError
from modalities.misbehaviour.act import ACTS, AnyAct, parse_act
from modalities.misbehaviour.alteration import ALTERATIONS, AnyAlteration, parse
from modalities.misbehaviour.alterations.values import SetValue
from modalities.misbehaviour.words import usage
from modalities.nodes import service
from modalities.services.store import Store
from tests.modalities.misbehaviour import examples

ALL = (*examples.OF_A_CT, *examples.OF_COMPRESSED_PIXELS)
STORE = Store(
    target=Target(host="127.0.0.1", port=11112, called="ARCHIVE"),
    caller=Caller(calling="CT"),
    files=("image.dcm",),
    alterations=("remove PatientID", "set StudyDate 20269999"),
    misbehave="stall seconds=1",
)


def test_there_is_an_example_of_every_alteration_and_every_act() -> None:
    assert {text.split()[0] for text in ALL} == set(ALTERATIONS)
    assert {text.split()[0] for text in examples.ACTS} == set(ACTS)


@pytest.mark.parametrize("text", ALL)
def test_an_alteration_says_itself_in_words_that_can_be_read_again(text: str) -> None:
    assert parse(str(parse(text))) == parse(text)


@pytest.mark.parametrize("text", examples.ACTS)
def test_an_act_says_itself_in_words_that_can_be_read_again(text: str) -> None:
    assert parse_act(str(parse_act(text))) == parse_act(text)


@given(value=st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_any_value_survives_its_words(value: str) -> None:
    alteration = SetValue(attribute="PatientComments", value=value)
    assert parse(str(alteration)) == alteration


def test_a_value_that_looks_like_a_named_argument_survives_its_words() -> None:
    alteration = SetValue(attribute="PatientComments", value="value=3")
    assert parse(str(alteration)) == alteration


@pytest.mark.parametrize("tag", ["PatientID", "00100020", "0010,0020", "(0010,0020)"])
def test_an_attribute_goes_by_keyword_or_tag(tag: str) -> None:
    assert str(parse(f"remove {tag}")) == "remove PatientID"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("remov PatientID", "did you mean 'remove'"),
        ("remove PatientIDD", "did you mean 'PatientID'"),
        ("remove", "expected 'remove <attribute>'"),
        ("remove PatientID StudyDate", "too much"),
        ("set PatientID 'open", "close the quotes"),
        ("wrong-length PatientID far", "by: Input should be a valid integer"),
        ("truncate-pixels keep=1.5", "keep: Input should be less than 1"),
        ("command-class CTImageStorag", "did you mean 'CTImageStorage'"),
        ("character-set klingon", "no encoding 'klingon'"),
        ("character-set rot13", "no encoding 'rot13'"),
        ("character-set declared=Größe", "in ASCII, saw 'Größe'"),
        ("", "expected a kind"),
    ],
)
def test_wrong_words_are_refused_with_the_right_ones(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text)
    assert hint in str(refused.value)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("stal", "did you mean 'stall'"),
        ("stall seconds=600", "less than or equal to 60"),
        ("half-request secons=3", "expected 'half-request [then=silence|close|reset]"),
        ("held-connections 1000", "less than or equal to 16"),
    ],
)
def test_acts_are_bounded_and_known(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_act(text)
    assert hint in str(refused.value)


def test_an_unknown_argument_of_a_mapping_is_refused() -> None:
    with pytest.raises(ValidationError, match="unknown argument 'atribute'; did you mean 'attrib"):
        Store.model_validate(
            {**STORE.model_dump(), "alterations": [{"kind": "remove", "atribute": "PatientID"}]}
        )


def test_a_command_keeps_its_misbehaviour_across_the_control_channel() -> None:
    body = json.loads(STORE.model_dump_json())
    assert body["alterations"][0] == {"kind": "remove", "attribute": "PatientID"}
    assert service.parse(body) == STORE


def test_words_and_mappings_are_the_same_data() -> None:
    mapping = {"kind": "set", "attribute": "StudyDate", "value": "20269999"}
    given = TypeAdapter(AnyAlteration).validate_python(mapping)
    assert given == parse("set StudyDate 20269999")


@pytest.mark.parametrize(
    ("adapter", "good", "bad"),
    [
        (TypeAdapter(AnyAlteration), examples.OF_A_CT, ["remov PatientID", {"kind": "remove"}, 3]),
        (TypeAdapter(AnyAct), examples.ACTS, ["stal", {"kind": "stall", "second": 2}, []]),
    ],
)
def test_editors_know_misbehaviour_by_its_schema(
    adapter: TypeAdapter[object], good: tuple[str, ...], bad: list[object]
) -> None:
    schema = Draft202012Validator(adapter.json_schema())
    for text in good:
        schema.validate(text)
        data = adapter.dump_python(adapter.validate_python(text), mode="json")
        schema.validate(data)
    assert [each for each in bad if schema.is_valid(each)] == []


def test_usage_shows_what_is_needed_and_what_can_be_left_out() -> None:
    assert usage(ALTERATIONS["set"]) == "set <attribute> <value>"
    assert usage(ACTS["stall"]) == "stall [after_bytes=4096] [seconds=2.0]"
    assert usage(ALTERATIONS["duplicate"]) == "duplicate <attribute> [value]"
    assert usage(ACTS["hang-up"]) == "hang-up [after_bytes=4096] [how=reset|close]"


def test_every_kind_explains_itself() -> None:
    models = [ALTERATIONS[kind] for kind in ALTERATIONS]
    for model in (*models, *(ACTS[kind] for kind in ACTS)):
        assert (model.__doc__ or "").strip().endswith((".", "…")), model
        assert model.model_fields["kind"].default in (*ALTERATIONS, *ACTS)
