"""A whole examination: worklist, MPPS, acquisition, storage, MPPS again, storage commitment."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from dicom.ladder import Rung
from modalities.commands import Report
from modalities.workflow.acquisition import acquire
from orchestrator.errors import LabError
from orchestrator.judging.delivery import Delivery
from orchestrator.lab.department import performed_at
from orchestrator.model.observation import Observation
from orchestrator.model.scenario import Route
from orchestrator.probes.base import PROBES, Probe, Probed, observed
from orchestrator.probes.commit import ask_for_commitment, judge_commitment
from orchestrator.probes.mpps import begin_step, complete_step, judge_step
from orchestrator.probes.store import StoreProbe
from orchestrator.probes.worklist import ask_for_worklist, judge_worklist, picked, schedule

if TYPE_CHECKING:
    from dicom.workflow.schedule import ScheduledStep
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class _Step(NamedTuple):
    """One step of the examination: its name, and what came of it in the words of its probe."""

    name: str
    probed: Probed

    @property
    def seen(self) -> Observation:
        """What was observed."""
        return self.probed.observation

    @property
    def told_of_failure(self) -> bool:
        """Whether the modality knows that this step failed, so that it stops here."""
        return not self.seen.outcome.succeeded and self.seen.outcome.rung is not Rung.DELIVERED

    def lines(self) -> Iterator[str]:
        """The step for a person: what came of it, then its own details."""
        yield from (f"{self.name}: {line}" for line in (self.seen.words, *self.seen.details))


class ExaminationProbe(Probe):
    """Registered as ``examination``: from the source's worklist to the target's commitment.

    The modality goes on as long as it is told of success. Delivered means that the archive holds
    the study as it was acquired, commits to every instance, and that the RIS knows the procedure
    step as completed with just these. The first step that failed decides.
    """

    name = "examination"
    needs_ris: ClassVar[bool] = True
    calls_back: ClassVar[bool] = True

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """Go through the steps until one fails that the modality is told of."""
        if route.ris is None:
            raise LabError(f"route {route.source} → {route.target} has no RIS")
        steps: list[_Step] = []
        for step in _Examination(lab, route, route.ris, study).steps():
            steps.append(step)
            if step.told_of_failure:
                break
        return _joined_steps(steps)


class _Examination:
    """Carries the steps out one by one; each generator step is only reached if all went well."""

    def __init__(self, lab: Lab, route: Route, ris: str, study: SentStudy) -> None:
        self._lab, self._route, self._ris, self._study = lab, route, ris, study

    def steps(self) -> Iterator[_Step]:
        lab, source = self._lab, self._route.source
        orders, _ = schedule(lab, source, self._ris, self._study)
        asked = ask_for_worklist(lab, source, self._ris, orders)
        yield _Step("worklist", observed("worklist", asked, judge_worklist(asked, orders)))
        began: list[tuple[str, SentStudy]] = []
        acquired = []
        for order in orders.steps:
            item = picked(asked, order)
            if item is None:
                return  # nothing to examine; the worklist's outcome says so
            started = datetime.datetime.now()
            report = begin_step(lab, source, self._ris, item, order.modality)
            yield _Step("MPPS in progress", observed("mpps", report))
            made = self._acquired(order, item, report.sop_instance_uid, started)
            began.append((report.sop_instance_uid, made))
            acquired.append(made)
        study = _joined(acquired)
        yield _Step("storage", StoreProbe().run(lab, self._route, study))
        for uid, made in began:
            report = complete_step(lab, source, self._ris, uid, made.files)
            yield _Step("MPPS completed", observed("mpps", report))
        committed = ask_for_commitment(lab, self._route, study)
        judged = judge_commitment(committed, study)
        yield _Step("storage commitment", observed("commit", committed, judged))
        known = performed_at(lab, self._ris) or ()
        for uid, made in began:
            recorded = judge_step(known, uid, made.fingerprints)
            yield _Step("record of the RIS", observed("mpps", Report(), recorded))

    def _acquired(
        self,
        order: ScheduledStep,
        item: Mapping[str, str],
        mpps_uid: str,
        started: datetime.datetime,
    ) -> SentStudy:
        """The order's part of the study, with the identity that the worklist gave it."""
        part = self._study.only(
            {
                each.sop_instance_uid
                for each in self._study.fingerprints
                if each.study_instance_uid == (order.study_uid or "")
            }
        )
        fingerprints = (
            acquire(self._lab.exchange / file, item, mpps_uid, started) for file in part.files
        )
        return part.model_copy(update={"fingerprints": tuple(fingerprints)})


def _joined(parts: list[SentStudy]) -> SentStudy:
    return parts[0].model_copy(
        update={
            "files": tuple(file for part in parts for file in part.files),
            "fingerprints": tuple(each for part in parts for each in part.fingerprints),
        }
    )


def _joined_steps(steps: list[_Step]) -> Probed:
    """The first step that failed, else success, with a line or more for every step."""
    failed = next((step for step in steps if not step.seen.outcome.succeeded), None)
    if failed is None:
        decides = observed("examination", Report(), Delivery.seen()).observation
    else:
        words = f"{failed.name}: {failed.seen.words}"
        decides = failed.seen.model_copy(update={"words": words})
    all_of_it = {
        "details": tuple(line for step in steps for line in step.lines()),
        "objects": tuple(each for step in steps for each in step.seen.objects),
    }
    return Probed(
        observation=decides.model_copy(update=all_of_it),
        traces=tuple(trace for step in steps for trace in step.probed.traces),
    )


PROBES.register("examination")(ExaminationProbe())
