"""Storage commitment of a study that the archive was sent, with the result that it reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from dicom.ladder import Outcome, Rung, Signature
from dicom.workflow.storage_commitment import CommitmentResult
from modalities.commands import Report
from modalities.services.commit import Commit
from orchestrator.judging.words import describe_status
from orchestrator.model.scenario import Route
from orchestrator.probes.base import PROBES, Probe, Probed, observe
from orchestrator.probes.store import delivery_at

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
        outcome, details = judge_commitment(report, study)
        if outcome.succeeded:
            delivery = delivery_at(lab, route.target, study)
            outcome, details = delivery.outcome, (*details, *delivery.details)
        return Probed(
            observation=observe(self.name, outcome, report=report, details=details),
            traces=report.traces,
        )


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


def judge_commitment(report: Report, study: SentStudy) -> tuple[Outcome, tuple[str, ...]]:
    """What came of a request, and a line about the result and about each instance left out."""
    if not report.outcome.succeeded:
        return report.outcome, ()
    result = report.commitment
    if result is None:
        return Outcome(rung=Rung.DELIVERED, signature=Signature(kind="uncommitted")), ()
    uids = [each.sop_instance_uid for each in study.fingerprints]
    missing = [uid for uid in uids if uid not in result.committed]
    own = "its own association" if result.on == "own" else "the association of the request"
    details = (
        f"{len(uids) - len(missing)} of {len(uids)} instances committed, reported on {own}",
        *(_why_not(uid, result) for uid in missing),
    )
    signature = Signature(kind="uncommitted") if missing else None
    return Outcome(rung=Rung.DELIVERED, signature=signature), details


def _why_not(uid: str, result: CommitmentResult) -> str:
    reason = result.failed.get(uid)
    if reason is None:
        return f"not mentioned in the result: {uid}"
    meaning = describe_status(reason, "commit") or "unknown to the standard"
    return f"not committed: {uid}: failure reason 0x{reason:04X} {meaning}"


PROBES.register("commit")(CommitProbe())
