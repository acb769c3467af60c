"""The ladder and its signatures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dicom.ladder import (
    CODED,
    KINDS,
    ObjectReport,
    Outcome,
    Rung,
    Signature,
    StoppedError,
    first_stopped,
)

ALL_KINDS = sorted(frozenset().union(*KINDS.values()))
codes = st.from_regex(r"[A-Za-z0-9/_-]{1,12}", fullmatch=True)


@st.composite
def signatures(draw: st.DrawFn) -> Signature:
    kind = draw(st.sampled_from(ALL_KINDS))
    return Signature(kind=kind, code=draw(codes) if kind in CODED else "")


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    rung = draw(st.sampled_from(Rung))
    kind = draw(st.sampled_from([None, *sorted(KINDS[rung])]))
    if kind is None:
        return Outcome(rung=rung)
    return Outcome(
        rung=rung, signature=Signature(kind=kind, code=draw(codes) if kind in CODED else "")
    )


def test_rungs_are_in_the_order_in_which_an_exchange_climbs_them() -> None:
    climbed = ["resolve", "connect", "tls", "associate", "negotiate", "dimse", "delivered"]
    assert [rung.value for rung in sorted(Rung, key=lambda rung: rung.height)] == climbed


def test_every_rung_can_stop_an_exchange_and_every_coded_kind_is_seen_somewhere() -> None:
    assert all(KINDS[rung] for rung in Rung)
    assert set(ALL_KINDS) >= CODED


@given(signatures())
def test_a_signature_reads_back_from_what_it_prints(signature: Signature) -> None:
    assert Signature.parse(str(signature)) == signature


@given(signatures(), signatures())
def test_without_a_wildcard_a_signature_matches_itself_only(a: Signature, b: Signature) -> None:
    assert a.matches(a)
    assert a.matches(b) == (a == b)


@given(signatures(), signatures())
def test_a_wildcard_matches_every_code_of_its_kind(a: Signature, b: Signature) -> None:
    assert Signature(kind=a.kind, code="*").matches(b) == (a.kind == b.kind)


@given(outcomes())
def test_an_outcome_survives_the_record(outcome: Outcome) -> None:
    assert Outcome.model_validate_json(outcome.model_dump_json()) == outcome
    assert outcome.succeeded == (outcome.signature is None) == (outcome.kind == "")


@given(st.sampled_from(Rung), signatures())
def test_an_outcome_only_holds_what_can_be_seen_at_its_rung(rung: Rung, seen: Signature) -> None:
    if seen.kind in KINDS[rung]:
        assert Outcome(rung=rung, signature=seen).signature == seen
    else:
        with pytest.raises(ValidationError, match="can't be seen"):
            Outcome(rung=rung, signature=seen)


@pytest.mark.parametrize("text", ["rejected", "status", "aborted ", "perhaps", ""])
def test_a_signature_that_says_too_little_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"needs a code|unknown signature"):
        Signature.parse(text)


def test_a_status_is_read_in_any_case_and_written_in_upper_case() -> None:
    assert Signature.parse("status 0xa801") == Signature.status(0xA801)
    assert str(Signature.status(0x0124)) == "status 0x0124"


def test_the_constructors_write_the_codes_of_the_standard() -> None:
    assert str(Signature.rejected(1, 1, 7)) == "rejected 1/1/7"
    assert str(Signature.aborted(2, 6)) == "aborted 2/6"
    assert str(Signature.context(4)) == "context 4"


def test_what_stops_an_exchange_says_where_and_in_whose_words() -> None:
    stopped = StoppedError(Rung.ASSOCIATE, Signature.rejected(1, 1, 7), "no such title")
    assert stopped.outcome == Outcome.at(Rung.ASSOCIATE, Signature.rejected(1, 1, 7))
    assert str(stopped) == "associate: rejected 1/1/7 no such title"
    assert str(StoppedError(Rung.DIMSE, Signature(kind="closed"))) == "dimse: closed"


def of(file: str, outcome: Outcome) -> ObjectReport:
    uids = {f"{each}_uid": "1.2" for each in ("sop_class", "sop_instance", "transfer_syntax")}
    return ObjectReport(file=file, outcome=outcome, **uids)


@given(outcomes())
def test_an_object_of_an_older_record_still_says_what_became_of_it(outcome: Outcome) -> None:
    now = of("1.dcm", outcome)
    data = now.model_dump(mode="json")
    older = {**data, **data["outcome"]}
    del older["outcome"]
    assert ObjectReport.model_validate(older) == ObjectReport.model_validate(data) == now


def test_the_first_object_that_did_not_get_through_speaks_for_all() -> None:
    taken, refused = Outcome.at(Rung.DIMSE), Outcome.at(Rung.DIMSE, Signature.status(0xA700))
    reports = [of("1", taken), of("2", refused), of("3", refused)]
    assert first_stopped(reports) is reports[1]
    assert first_stopped(reports[:1]) is None
