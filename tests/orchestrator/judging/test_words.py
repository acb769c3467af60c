"""Outcomes in an administrator's words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_RJ

from dicom.ladder import CODED, KINDS, Outcome, Rung
from orchestrator.judging.words import ABORTS, REJECTIONS, describe, describe_status
from orchestrator.model.expected import read_outcome

EXAMPLE_CODES = {
    "alert": "unknown_ca",
    "certificate": "expired",
    "rejected": "1/1/7",
    "aborted": "0/0",
    "context": "3",
    "status": "0xA801",
    "http": "500",
}
PROBES = (
    *("echo", "store", "find", "move", "get", "forward", "commit", "worklist", "mpps"),
    *("stow", "qido", "wado", ""),
)


@pytest.mark.parametrize(
    ("declared", "probe", "words"),
    [
        ({"resolve": "unresolved"}, "store", "unresolved: this host name has no address"),
        ({"connect": "refused"}, "store", "refused: nothing listens there"),
        ({"connect": "timeout"}, "store", "timeout: nothing answers the connection request"),
        (
            {"tls": "alert unknown_ca"},
            "store",
            "TLS alert: the peer does not trust the issuer of our certificate (unknown_ca)",
        ),
        (
            {"tls": "certificate expired"},
            "store",
            "the peer's certificate was refused: it has expired (expired)",
        ),
        (
            {"associate": "rejected 1/1/7"},
            "store",
            "rejected: called AE title not recognized (1/1/7)",
        ),
        (
            {"associate": "rejected 2/3/2"},
            "echo",
            "rejected for now: local limit exceeded (2/3/2)",
        ),
        (
            {"associate": "aborted 2/1"},
            "",
            "aborted by the peer during association: unrecognized PDU (2/1)",
        ),
        (
            {"negotiate": "context 3"},
            "store",
            "presentation context refused: abstract syntax not supported (3)",
        ),
        (
            {"negotiate": "context 0"},
            "store",
            "presentation context accepted, but in another transfer syntax (0)",
        ),
        (
            {"negotiate": "context none"},
            "store",
            "no presentation context proposed for the SOP class",
        ),
        ({"dimse": "not-http"}, "qido", "not HTTP: the peer answered in another protocol"),
        ({"dimse": "status 0x0122"}, "stow", "status 0x0122 refused: SOP class not supported"),
        ({"delivered": "lost"}, "stow", "reported success, archive holds nothing"),
        ({"delivered": "partial"}, "wado", "reported success, caller holds only a part"),
        ({"dimse": "aborted 0/0"}, "find", "aborted by the peer (0/0)"),
        ({"dimse": "status 0xA801"}, "move", "status 0xA801 move destination unknown"),
        ({"dimse": "status 0xA900"}, "store", "status 0xA900 data set does not match SOP class"),
        ({"dimse": "status 0xA900"}, "find", "status 0xA900 identifier does not match SOP class"),
        ({"dimse": "status 0x0124"}, "store", "status 0x0124 refused: not authorized"),
        ({"dimse": "status 0x1234"}, "store", "status 0x1234 unknown to the standard"),
        ({"dimse": "reset"}, "store", "connection reset before the request was answered"),
        ({"delivered": "lost"}, "store", "reported success, archive holds nothing"),
        ({"delivered": "lost"}, "move", "reported success, destination holds nothing"),
        ({"associate": "rejected *"}, "store", "rejected, whatever the reason"),
    ],
)
def test_an_outcome_reads_as_an_administrator_would_say_it(
    declared: dict[str, str], probe: str, words: str
) -> None:
    outcome = read_outcome(declared)
    assert isinstance(outcome, Outcome)
    assert describe(outcome, probe) == words


@pytest.mark.parametrize(
    ("rung", "probe", "words"),
    [
        (Rung.DELIVERED, "store", "delivered"),
        (Rung.DIMSE, "echo", "echo answered"),
        (Rung.DELIVERED, "find", "found"),
        (Rung.ASSOCIATE, "store", "association accepted"),
    ],
)
def test_what_nothing_stopped_is_named_by_what_it_reached(
    rung: Rung, probe: str, words: str
) -> None:
    assert describe(Outcome(rung=rung), probe) == words


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize("rung", list(Rung))
def test_every_signature_of_every_rung_has_words_with_and_without_its_code(
    rung: Rung, probe: str
) -> None:
    for kind in KINDS[rung]:
        codes = (EXAMPLE_CODES[kind], "*") if kind in CODED else ("",)
        for code in codes:
            outcome = read_outcome({rung.value: f"{kind} {code}".strip()})
            assert isinstance(outcome, Outcome)
            words = describe(outcome, probe)
            assert words
            assert code in ("", "*") or code in words


@given(st.integers(0, 0xFFFF), st.sampled_from(PROBES))
def test_every_status_can_be_described(code: int, probe: str) -> None:
    text = describe_status(code, probe)
    assert text == text.strip()
    outcome = read_outcome({"dimse": f"status 0x{code:04X}"})
    assert isinstance(outcome, Outcome)
    assert describe(outcome, probe).startswith(f"status 0x{code:04X}")


@pytest.mark.parametrize("code", ["9/9/9", "1/1/200", "2/1/5"])
def test_a_code_that_the_standard_does_not_know_is_still_described(code: str) -> None:
    signature = Outcome.model_validate(
        {"rung": "associate", "signature": {"kind": "rejected", "code": code}}
    )
    assert code in describe(signature)


def test_the_reasons_of_rejections_agree_with_those_of_the_dicom_library() -> None:
    for (source, reason), words in REJECTIONS.items():
        pdu = A_ASSOCIATE_RJ()
        pdu.result, pdu.source, pdu.reason_diagnostic = 1, source, reason
        theirs = pdu.reason_str.lower().replace("recognised", "recognized")
        assert words.lower().startswith(theirs)


def test_the_reasons_of_aborts_agree_with_those_of_the_dicom_library() -> None:
    for reason, words in ABORTS.items():
        pdu = A_ABORT_RQ()
        pdu.source, pdu.reason_diagnostic = 2, reason
        theirs = pdu.reason_str.lower().replace("recognised", "recognized")
        assert words.lower() == ("reason not specified" if reason == 0 else theirs)
