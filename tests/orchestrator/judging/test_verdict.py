"""What was declared against what was observed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicom.ladder import CODED, KINDS, Outcome, Rung, Signature
from orchestrator.errors import InputError
from orchestrator.faults.addressing import WrongPort
from orchestrator.judging.verdict import Combination, accepts, holds, judge, matches, verdict_of
from orchestrator.model.identity import Identity
from orchestrator.model.observation import Observation
from orchestrator.model.results import Expected, PhaseResult, Rule, Verdict
from orchestrator.model.scenario import PHASES, PhaseName, Scenario

ORTHANC = Identity(stack="orthanc", edition="process", version="1.10.1")
DCM4CHEE = Identity(stack="dcm4chee", edition="profile", version="5.35", follows="dcm4chee-5.35")
REJECTED = Outcome(rung=Rung.ASSOCIATE, signature=Signature.rejected(1, 1, 7))
DELIVERED = Outcome(rung=Rung.DELIVERED)

ROLES = {
    "ct": {"kind": "modality"},
    "archive": {"kind": "archive"},
    "peer": {"kind": "archive"},
    "workstation": {"kind": "workstation"},
}
ROUTES = {
    "store": {"probe": "store", "from": "ct", "to": "archive"},
    "forward": {"probe": "forward", "from": "archive", "to": "peer"},
    "move": {"probe": "move", "from": "ct", "to": "archive", "destination": "workstation"},
}


def scenario(fault_rules: Sequence[Mapping[str, object]] = (), *, broken: bool = True) -> Scenario:
    return Scenario.model_validate(
        {
            "name": "wrong-title",
            "title": "A title is wrong",
            "category": "addressing",
            "story": "Somebody mistyped it.",
            "roles": ROLES,
            "routes": ROUTES,
            "fault": WrongPort() if broken else None,
            "expect": {"fault": list(fault_rules)} if fault_rules else {},
        }
    )


def combination(route: str, **identities: Identity) -> Combination:
    return Combination(route, scenario().routes[route], identities)


STORE = combination("store", archive=ORTHANC)
FORWARD = combination("forward", archive=ORTHANC, peer=DCM4CHEE)


@pytest.mark.parametrize(
    ("when", "where", "true"),
    [
        ({}, STORE, True),
        ({"archive": "orthanc"}, STORE, True),
        ({"archive": "orthanc >=1.12"}, STORE, False),
        ({"archive": "dcm4chee"}, STORE, False),
        ({"to": "orthanc"}, STORE, True),
        ({"to": "orthanc"}, FORWARD, False),
        ({"from": "orthanc", "to": "dcm4chee profile"}, FORWARD, True),
        ({"peer": "dcm4chee-5.35"}, FORWARD, True),
        ({"route": "store"}, STORE, True),
        ({"route": "forward"}, STORE, False),
        ({"route": "store", "archive": "* process"}, STORE, True),
        ({"from": "*"}, STORE, False),
        ({"destination": "*"}, STORE, False),
    ],
)
def test_a_rule_is_about_a_combination_when_all_its_conditions_are_true(
    when: Mapping[str, str], where: Combination, true: bool
) -> None:
    assert holds(when, where) is true


def test_a_rule_about_an_archive_that_is_not_on_the_route_never_decides() -> None:
    bound = combination("store", archive=ORTHANC, peer=DCM4CHEE)
    assert not holds({"peer": "dcm4chee"}, bound)


def test_the_first_rule_that_holds_decides_and_gives_the_reason() -> None:
    told = scenario(
        [
            {"when": {"to": "orthanc"}, "outcome": "success", "why": "tolerant"},
            {"outcome": {"associate": "rejected 1/1/7"}, "why": "strict"},
        ]
    )
    tolerant = judge(told, "fault", STORE, DELIVERED, Rung.DELIVERED)
    assert tolerant.met
    assert (tolerant.expected.words, tolerant.expected.why) == (("delivered",), "tolerant")
    strict = judge(told, "fault", FORWARD, DELIVERED, Rung.DELIVERED)
    assert not strict.met
    assert strict.expected.words == ("rejected: called AE title not recognized (1/1/7)",)
    assert strict.expected.why == "strict"


def test_the_deciding_rule_is_kept_as_the_scenario_declares_it() -> None:
    when = {"to": "orthanc >=1.10", "route": "store"}
    told = scenario([{"when": when, "outcome": ["success", {"associate": "rejected *"}]}])
    rule = judge(told, "fault", STORE, DELIVERED, Rung.DELIVERED).expected.rule
    assert rule is not None
    assert rule.when == when
    any_rejection = Outcome(rung=Rung.ASSOCIATE, signature=Signature.parse("rejected *"))
    assert rule.outcomes == ("success", any_rejection)


def test_any_of_several_acceptable_outcomes_will_do() -> None:
    told = scenario([{"outcome": ["success", {"associate": "rejected *"}]}])
    for seen in (DELIVERED, REJECTED):
        assert judge(told, "fault", STORE, seen, Rung.DELIVERED).met
    refused = Outcome(rung=Rung.CONNECT, signature=Signature(kind="refused"))
    judged = judge(told, "fault", STORE, refused, Rung.DELIVERED)
    assert not judged.met
    assert judged.expected.words == ("delivered", "rejected, whatever the reason")


def test_a_phase_without_rules_expects_success() -> None:
    for phase in PHASES:
        assert judge(scenario(), phase, STORE, DELIVERED, Rung.DELIVERED).met
        assert not judge(scenario(), phase, STORE, REJECTED, Rung.DELIVERED).met


def test_no_rule_for_a_combination_is_an_error_that_names_it() -> None:
    told = scenario([{"when": {"to": "orthanc"}, "outcome": "success"}])
    with pytest.raises(InputError) as caught:
        judge(told, "fault", FORWARD, DELIVERED, Rung.DELIVERED)
    message = str(caught.value)
    assert "route forward" in message
    assert "peer = dcm4chee (profile dcm4chee-5.35)" in message
    assert "'fault'" in message


@pytest.mark.parametrize("goal", [Rung.DIMSE, Rung.DELIVERED])
def test_success_is_the_goal_reached_and_nothing_less(goal: Rung) -> None:
    for rung in Rung:
        assert matches("success", Outcome(rung=rung), goal) == (rung is goal)


rungs = st.sampled_from(Rung)


@st.composite
def outcomes(draw: st.DrawFn) -> Outcome:
    rung = draw(rungs)
    kind = draw(st.sampled_from([None, *sorted(KINDS[rung])]))
    if kind is None:
        return Outcome(rung=rung)
    code = draw(st.sampled_from(["1/1/7", "0/0", "3", "0xC000"])) if kind in CODED else ""
    return Outcome(rung=rung, signature=Signature(kind=kind, code=code))


@given(st.lists(outcomes(), min_size=1, max_size=3), outcomes(), rungs)
def test_a_rule_that_was_written_down_judges_as_it_did_at_first(
    declared: list[Outcome], seen: Outcome, goal: Rung
) -> None:
    rule = Rule(when={"to": "orthanc"}, outcomes=("success", *declared), goal=goal)
    read = Rule.model_validate_json(rule.model_dump_json())
    assert read == rule
    assert accepts(read, seen) == any(matches(each, seen, goal) for each in rule.outcomes)


@given(outcomes(), outcomes(), rungs)
def test_an_exact_expectation_matches_exactly_itself(a: Outcome, b: Outcome, goal: Rung) -> None:
    assert matches(a, b, goal) == (a == b)


@given(outcomes(), rungs)
def test_whatever_was_stopped_is_no_success(seen: Outcome, goal: Rung) -> None:
    if seen.signature is not None:
        assert not matches("success", seen, goal)


@given(outcomes(), outcomes(), rungs)
def test_a_wildcard_never_reaches_beyond_its_rung_and_kind(
    pattern: Outcome, seen: Outcome, goal: Rung
) -> None:
    if pattern.signature is None or pattern.signature.kind not in CODED:
        return
    kind = pattern.signature.kind
    any_code = Outcome(rung=pattern.rung, signature=Signature(kind=kind, code="*"))
    same_kind = seen.signature is not None and seen.signature.kind == kind
    assert matches(any_code, seen, goal) == (seen.rung is pattern.rung and same_kind)


def phases(**met: bool) -> list[PhaseResult]:
    names: dict[str, PhaseName] = {name: name for name in PHASES}
    seen = Observation(outcome=REJECTED, words="rejected: whatever")
    return [
        PhaseResult(
            name=names[name], observation=seen, expected=Expected(words=("delivered",)), met=ok
        )
        for name, ok in met.items()
    ]


@pytest.mark.parametrize(
    ("met", "verdict"),
    [
        ({"baseline": True, "fault": True, "fix": True}, Verdict.PASS),
        ({"baseline": False}, Verdict.INCONCLUSIVE),
        ({"baseline": False, "fault": False, "fix": False}, Verdict.INCONCLUSIVE),
        ({"baseline": True, "fault": False, "fix": True}, Verdict.FAIL),
        ({"baseline": True, "fault": True, "fix": False}, Verdict.FAIL),
        ({"baseline": True, "fault": True}, Verdict.ERROR),
        ({}, Verdict.ERROR),
    ],
)
def test_a_cell_passes_only_if_every_phase_was_as_declared(
    met: dict[str, bool], verdict: Verdict
) -> None:
    found, reason = verdict_of(PHASES, phases(**met))
    assert found is verdict
    assert bool(reason) == (verdict is not Verdict.PASS)


def test_the_reason_names_the_phase_and_both_outcomes() -> None:
    _, reason = verdict_of(PHASES, phases(baseline=True, fault=False, fix=True))
    assert reason == "fault: expected delivered; saw rejected: whatever"


def test_without_a_fault_the_healthy_lab_is_the_claim_itself() -> None:
    healthy = scenario(broken=False)
    assert healthy.phases == ("baseline",)
    assert verdict_of(healthy.phases, phases(baseline=True))[0] is Verdict.PASS
    assert verdict_of(healthy.phases, phases(baseline=False))[0] is Verdict.FAIL


@given(st.fixed_dictionaries({name: st.booleans() for name in PHASES}))
def test_nothing_is_green_unless_all_of_it_is(met: dict[str, bool]) -> None:
    found, _ = verdict_of(PHASES, phases(**met))
    assert (found is Verdict.PASS) == all(met.values())
    assert (found is Verdict.INCONCLUSIVE) == (not met["baseline"])
