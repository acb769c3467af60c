"""Delivered means held exactly once and unchanged; everything else has a name of its own."""

from __future__ import annotations

from dicom.datasets.fingerprint import Fingerprint
from dicom.ladder import Rung, Signature
from orchestrator.judging.delivery import Delivery, judge_delivery


def instance(number: int, **values: str) -> Fingerprint:
    return Fingerprint(
        sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
        sop_instance_uid=f"2.25.{number}",
        study_instance_uid="2.25.1000",
        series_instance_uid="2.25.1001",
        patient_id="LAB-1",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        elements={"00080018": str(number), "00100020": "a", **values},
    )


SENT = [instance(1), instance(2), instance(3)]


def judged(
    held: list[Fingerprint],
    coercions: dict[str, str] | None = None,
    elsewhere: dict[str, list[Fingerprint]] | None = None,
) -> Delivery:
    return judge_delivery(SENT, held, coercions=coercions or {}, elsewhere=elsewhere or {})


def kind(delivery: Delivery) -> str | None:
    assert delivery.outcome.rung is Rung.DELIVERED
    signature: Signature | None = delivery.outcome.signature
    return None if signature is None else signature.kind


def test_every_instance_held_once_and_unchanged_is_delivered() -> None:
    assert kind(judged(SENT)) is None


def test_an_archive_may_hold_more_than_was_sent() -> None:
    assert kind(judged([*SENT, instance(9)])) is None


def test_an_archive_that_holds_nothing_has_lost_the_study() -> None:
    assert kind(judged([])) == "lost"


def test_a_missing_instance_makes_it_partial_and_the_count_is_told() -> None:
    delivery = judged(SENT[:2])
    assert kind(delivery) == "partial"
    assert "holds 2 of 3 instances" in delivery.details


def test_what_another_archive_holds_instead_went_elsewhere() -> None:
    delivery = judged([], elsewhere={"peer": SENT})
    assert kind(delivery) == "elsewhere"
    assert "found at peer instead" in delivery.details


def test_a_copy_elsewhere_does_not_matter_while_the_receiver_holds_everything() -> None:
    assert kind(judged(SENT, elsewhere={"peer": SENT})) is None


def test_an_instance_held_twice_is_duplicated() -> None:
    assert kind(judged([*SENT, SENT[0]])) == "duplicated"


def test_a_changed_attribute_is_altered_and_named() -> None:
    delivery = judged([instance(1, **{"00100020": "b"}), *SENT[1:]])
    assert kind(delivery) == "altered"
    assert "(0010,0020) PatientID" in delivery.details[-1]


def test_an_added_attribute_is_altered_unless_the_archive_may_add_it() -> None:
    held = [instance(n, **{"00100021": "x"}) for n in (1, 2, 3)]
    assert kind(judged(held)) == "altered"
    permitted = judged(held, coercions={"00100021": "the archive supplements the issuer"})
    assert kind(permitted) is None
    assert any("IssuerOfPatientID" in line for line in permitted.details)


def test_of_two_files_with_one_uid_either_may_be_the_one_that_is_held() -> None:
    again = instance(1, **{"00204000": "other content"})
    for kept in (SENT[0], again):
        delivery = judge_delivery([SENT[0], again], [kept], coercions={}, elsewhere={})
        assert kind(delivery) is None
        assert "only one of each can be held" in delivery.details[1]
    neither = instance(1, **{"00204000": "nobody sent this"})
    assert (
        kind(judge_delivery([SENT[0], again], [neither], coercions={}, elsewhere={})) == "altered"
    )
