"""What arrived of a study, judged against what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from modalities.commands import ReceivedInstance
from orchestrator.judging.delivery import Delivery, judge_delivery

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


def delivery_at(lab: Lab, role: str, study: SentStudy, sender: str = "") -> Delivery:
    """What archive ``role`` holds of ``study``, against what ``sender`` was given to send."""
    held = {
        other: tuple(f for uid in study.study_uids for f in archive.held(uid))
        for other, archive in lab.archives.items()
        if other != sender
    }
    on_the_way = [lab.archives[each] for each in (sender, role) if each in lab.archives]
    return judge_delivery(
        study.fingerprints,
        held.pop(role),
        coercions={tag: why for each in on_the_way for tag, why in each.coercions.items()},
        elsewhere=held,
    )


def delivery_from(
    lab: Lab, holder: str, study: SentStudy, received: Iterable[ReceivedInstance]
) -> Delivery:
    """What a node ``received`` of the ``study`` that archive ``holder`` holds."""
    return judge_delivery(
        study.fingerprints,
        [each.fingerprint for each in received],
        coercions=lab.archives[holder].coercions,
        elsewhere={},
    )


def delivery_in_answers(study: SentStudy, answers: Sequence[Mapping[str, str]]) -> Delivery:
    """Which of the studies that ``study`` is made of a query's ``answers`` name."""
    wanted = set(study.study_uids)
    missing = wanted - {answer.get("StudyInstanceUID", "") for answer in answers}
    flaw = "" if not missing else "no-match" if missing == wanted else "incomplete"
    return Delivery.seen(flaw, f"{len(answers)} answers for {len(wanted)} studies")
