"""What came of an exchange: which report decides, and what goes before what."""

from __future__ import annotations

import pytest

from dicom.ladder import CARRIED_OUT, ObjectReport, Outcome, Rung, Signature
from dicom.tracing.trace import AssociationTrace
from modalities.commands import Report
from orchestrator.judging.delivery import Delivery
from orchestrator.probes.base import joined, observed

REFUSED = Outcome.at(Rung.DIMSE, Signature.status(0xA700))
CUT = Outcome.at(Rung.DIMSE, Signature(kind="reset"))


def report(outcome: Outcome, file: str, comment: str = "") -> Report:
    """One object that this became of, on an association of its own."""
    sent = ObjectReport(
        file=file,
        sop_class_uid="1.1",
        sop_instance_uid=f"2.25.{file}",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        outcome=outcome,
    )
    trace = AssociationTrace(observer=comment, opened_at=0.0, requestor="", acceptor="")
    return Report(
        outcome=outcome,
        comment=comment,
        objects=(sent,),
        counters={"completed": len(comment)},
        traces=(trace,),
    )


def test_what_stopped_an_exchange_goes_before_what_was_delivered() -> None:
    lost = Delivery.seen("lost", "holds 0 of 1 instances")
    stopped = observed("move", report(REFUSED, "1", "out of space"), lost).observation
    assert (stopped.outcome, stopped.comment) == (REFUSED, "out of space")
    assert stopped.words == "status 0xA700 refused: out of resources"
    assert stopped.details == ("completed: 12", "holds 0 of 1 instances")
    believed = observed("move", report(CARRIED_OUT, "1"), lost).observation
    assert str(believed.outcome) == "delivered: lost"


def test_an_exchange_that_delivers_nothing_ends_where_it_got_to() -> None:
    assert observed("echo", Report()).observation.outcome == CARRIED_OUT


@pytest.mark.parametrize(
    ("outcomes", "decides"),
    [
        ((CARRIED_OUT, CARRIED_OUT), "second"),
        ((CARRIED_OUT, CUT), "second"),
        ((CUT, CARRIED_OUT), "first"),
        ((CUT, REFUSED), "first"),
    ],
)
def test_of_several_reports_the_first_that_was_stopped_decides(
    outcomes: tuple[Outcome, Outcome], decides: str
) -> None:
    first, second = outcomes
    whole = joined([report(first, "1", "first"), report(second, "2", "second")])
    assert (whole.outcome, whole.comment) == (second if decides == "second" else first, decides)
    assert [each.file for each in whole.objects] == ["1", "2"]
    assert [each.observer for each in whole.traces] == ["first", "second"]


def test_of_an_object_that_was_tried_again_the_last_try_counts() -> None:
    (tried,) = joined([report(CUT, "1"), report(CARRIED_OUT, "1")]).objects
    assert tried.outcome.succeeded


def test_a_study_without_a_uid_is_asked_for_nowhere() -> None:
    assert joined([]) == Report()
