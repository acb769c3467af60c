"""Storage commitment of a study that the archive was sent, with the result that it reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.workflow.storage_commitment import CommitmentResult
from modalities.commands import Report
from modalities.services.commit import Commit
from orchestrator.judging.delivery import Delivery
from orchestrator.judging.words import describe_status
from orchestrator.model.scenario import Route
from orchestrator.probes.arrivals import delivery_at
from orchestrator.probes.base import PROBES, Probe, Probed, observed

if TYPE_CHECKING:
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class CommitProbe(Probe):
    """Registered as ``commit``.

    Delivered means that the result came, covers every instance, and that the archive really holds
    them. An instance that is not committed to is ``uncommitted``.
    """

    name = "commit"
    needs_held_study: ClassVar[bool] = True
    calls_back: ClassVar[bool] = True

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """One request for all instances; then what the archive holds, on its own interface."""
        report = ask_for_commitment(lab, route, study)
        delivery = judge_commitment(report, study)
        if delivery is not None and delivery.outcome.succeeded:
            delivery = delivery_at(lab, route.target, study).after(*delivery.details)
        return observed(self.name, report, delivery)


def ask_for_commitment(lab: Lab, route: Route, study: SentStudy) -> Report:
    """Have the source ask the target for commitment, and wait as long as for a response."""
    caller = lab.caller(route.source)
    return lab.ask(
        route.source,
        Commit(
            target=lab.target((route.source, route.target)),
            caller=caller,
            files=study.files,
            wait=caller.timeouts.dimse,
        ),
    )


def judge_commitment(report: Report, study: SentStudy) -> Delivery | None:
    """A line about the result and about each instance left out; None where it was stopped."""
    if not report.outcome.succeeded:
        return None
    result = report.commitment
    if result is None:
        return Delivery.seen("uncommitted")
    uids = [each.sop_instance_uid for each in study.fingerprints]
    missing = [uid for uid in uids if uid not in result.committed]
    own = "its own association" if result.on == "own" else "the association of the request"
    return Delivery.seen(
        "uncommitted" if missing else "",
        f"{len(uids) - len(missing)} of {len(uids)} instances committed, reported on {own}",
        *(_why_not(uid, result) for uid in missing),
    )


def _why_not(uid: str, result: CommitmentResult) -> str:
    reason = result.failed.get(uid)
    if reason is None:
        return f"not mentioned in the result: {uid}"
    meaning = describe_status(reason, "commit") or "unknown to the standard"
    return f"not committed: {uid}: failure reason 0x{reason:04X} {meaning}"


PROBES.register("commit")(CommitProbe())
