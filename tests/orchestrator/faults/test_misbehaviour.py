"""Faults that make a modality misbehave: where they apply, what they change, what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from modalities.misbehaviour.alteration import parse
from orchestrator.errors import FaultNotInPlaceError, UnsupportedError
from orchestrator.faults.base import FAULTS, Fault
from orchestrator.lab.changes import modality_changes, study_changes
from orchestrator.lab.study import StudyMaker
from orchestrator.model.scenario import Route, Study
from orchestrator.model.state import StudyTreatment
from tests.orchestrator.faults.conftest import FORWARD, MOVE, STORE, healthy

REMOVED = FAULTS["altered-objects"].model_validate({"alterations": ["remove PatientID"]})
OVERSIZED = FAULTS["misbehaving-sender"].model_validate({"act": "oversized-pdu"})


def test_alterations_change_what_is_sent_and_nothing_else() -> None:
    state = healthy(tls=False)
    broken = REMOVED.change(state, STORE)
    assert broken.study.alterations == (parse("remove PatientID"),)
    assert broken.model_copy(update={"study": state.study}) == state


def test_an_act_is_one_modalitys() -> None:
    state = healthy(tls=False)
    broken = OVERSIZED.change(state, STORE)
    assert str(broken.modalities["ct"].misbehave) == "oversized-pdu"
    assert broken.modalities["workstation"] == state.modalities["workstation"]


@pytest.mark.parametrize("fault", [REMOVED, OVERSIZED])
@pytest.mark.parametrize("route", [MOVE, FORWARD])
def test_only_a_modality_that_sends_can_misbehave(fault: Fault, route: Route) -> None:
    with pytest.raises(UnsupportedError, match="only a modality that sends"):
        fault.change(healthy(tls=False), route)


def test_the_record_says_it_in_the_words_that_repeat_it() -> None:
    state = healthy(tls=False)
    broken = OVERSIZED.change(REMOVED.change(state, STORE), STORE)
    (study,) = study_changes("ct", state.study, broken.study)
    assert (study.key, study.before, study.after) == ("alterations", "none", "remove PatientID")
    before, after = state.modalities["ct"], broken.modalities["ct"]
    (console,) = modality_changes("ct", before, after)
    assert (console.key, console.before, console.after) == (
        "misbehave",
        "as usual",
        "oversized-pdu",
    )


@pytest.mark.parametrize(
    ("fault", "arguments", "hint"),
    [
        ("altered-objects", {"alterations": ["remov PatientID"]}, "did you mean 'remove'"),
        ("altered-objects", {"alterations": []}, "at least one alteration"),
        ("misbehaving-sender", {"act": "oversize-pdu"}, "did you mean 'oversized-pdu'"),
        ("misbehaving-sender", {"act": "stall seconds=999"}, "less than or equal to 60"),
    ],
)
def test_wrong_words_are_known_before_anything_starts(
    fault: str, arguments: dict[str, object], hint: str
) -> None:
    with pytest.raises(ValidationError, match=hint):
        FAULTS[fault].model_validate(arguments)


def made(tmp_path: Path) -> StudyMaker:
    spec = Study(images=1, rows=16, columns=16)
    return StudyMaker(tmp_path, spec, seed=1, cell="cell", own_files=None)


def treatment(*alterations: str) -> StudyTreatment:
    return StudyTreatment(alterations=tuple(parse(each) for each in alterations))


def test_what_counts_as_sent_is_what_goes_out(tmp_path: Path) -> None:
    maker = made(tmp_path)
    plain = maker.make("fault", treatment()).fingerprints[0]
    sent = maker.make("fault", treatment("set PatientID OTHER")).fingerprints[0]
    assert sent.patient_id == "OTHER"
    assert sent.differences(plain) == ("00100020",)


def test_what_nobody_can_read_counts_as_it_was_made(tmp_path: Path) -> None:
    maker = made(tmp_path)
    plain = maker.make("fault", treatment()).fingerprints
    assert maker.make("fault", treatment("no-delimiter")).fingerprints == plain


def test_an_object_without_study_belongs_to_none(tmp_path: Path) -> None:
    study = made(tmp_path).make("fault", treatment("remove StudyInstanceUID"))
    assert study.study_uids == ()


def test_an_alteration_that_can_not_be_done_is_a_fault_that_did_not_take(tmp_path: Path) -> None:
    with pytest.raises(FaultNotInPlaceError, match="StudyComments"):
        made(tmp_path).make("fault", treatment("remove StudyComments"))
