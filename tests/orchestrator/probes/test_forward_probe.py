"""The probe of forwarding: the receiver decides, and of several things seen the last one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from dicom.datasets.fingerprint import Fingerprint
from dicom.forwarding import ForwardReport
from dicom.ladder import Outcome, Rung, Signature
from dicom.tracing.trace import AssociationTrace
from orchestrator.lab.lab import Lab
from orchestrator.lab.study import SentStudy
from orchestrator.model.observation import Observation
from orchestrator.model.scenario import Route
from orchestrator.model.state import AddressEntry, LabState
from orchestrator.probes.base import PROBES

ROUTE = Route.model_validate({"probe": "forward", "from": "sender", "to": "receiver"})
IMAGE = Fingerprint(
    sop_class_uid="1.1",
    sop_instance_uid="1.2.1.1",
    study_instance_uid="1.2",
    series_instance_uid="1.2.1",
    patient_id="P",
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    elements={"00100010": "a", "00100021": "b"},
)
STUDY = SentStudy(files=("1.dcm",), fingerprints=(IMAGE,))
UNREACHABLE = Outcome(rung=Rung.CONNECT, signature=Signature(kind="refused"))


def archive(*held: Fingerprint, answer: ForwardReport, coercions: dict[str, str]) -> Any:
    return SimpleNamespace(
        held=lambda study: tuple(each for each in held if each.study_instance_uid == study),
        forward=lambda _study, _title: answer,
        coercions=coercions,
    )


def forwarded(
    *held: Fingerprint,
    succeeds: bool = True,
    wire: tuple[str, ...] = (),
    stopped: Outcome | None = None,
    coercions: dict[str, str] | None = None,
) -> Observation:
    """What is observed where the receiver has ``held`` and the connections ended as ``wire``."""
    status = 200 if succeeds else 500
    answer = ForwardReport(claims_success=succeeds, http_status=status, body="{}", stopped=stopped)
    traces = tuple(
        AssociationTrace(observer="wire", opened_at=0.0, requestor="", acceptor="", end=end)
        for end in wire
    )
    lab: Any = SimpleNamespace(
        state=LabState(entries={("sender", "receiver"): AddressEntry(title="RECEIVER")}),
        archives={
            "sender": archive(IMAGE, answer=answer, coercions=coercions or {}),
            "receiver": archive(*held, answer=answer, coercions={}),
        },
        link_traces=lambda _link: traces,
    )
    return PROBES["forward"].run(cast(Lab, lab), ROUTE, STUDY).observation


def test_what_the_receiver_holds_is_delivered() -> None:
    assert str(forwarded(IMAGE).outcome) == "delivered"


def test_a_sender_that_says_success_is_not_believed() -> None:
    assert str(forwarded().outcome) == "delivered: lost"


def test_what_the_sender_itself_holds_is_not_astray() -> None:
    observation = forwarded()
    assert observation.details[1:] == ("holds 0 of 1 instances",)


def test_what_the_sender_may_change_is_no_alteration() -> None:
    changed = IMAGE.model_copy(update={"elements": {**IMAGE.elements, "00100021": "c"}})
    assert str(forwarded(changed).outcome) == "delivered: altered"
    assert str(forwarded(changed, coercions={"00100021": "it does"}).outcome) == "delivered"


@pytest.mark.parametrize(
    ("wire", "stopped", "outcome"),
    [
        (("timeout", "refused"), UNREACHABLE, "connect: refused"),
        (("refused", "timeout"), UNREACHABLE, "connect: timeout"),
        ((), UNREACHABLE, "connect: refused"),
        ((), None, "dimse: http 500"),
    ],
)
def test_what_stopped_it_is_read_off_the_wire_or_else_off_the_senders_words(
    wire: tuple[str, ...], stopped: Outcome | None, outcome: str
) -> None:
    observation = forwarded(succeeds=False, wire=wire, stopped=stopped)
    assert str(observation.outcome) == outcome
    assert observation.details[0] == "sender answered HTTP 500: {}"
