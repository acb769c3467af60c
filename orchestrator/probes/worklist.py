"""Modality worklist: what is scheduled for the modality, at a RIS or an archive."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, ClassVar, Final

from dicom.workflow.schedule import Schedule, ScheduledStep
from modalities.commands import Report
from modalities.services.worklist import Worklist
from orchestrator.errors import UnsupportedError
from orchestrator.judging.delivery import Delivery
from orchestrator.lab.department import orders_for, schedule_at, worklist_target
from orchestrator.model.scenario import RoleKind, Route
from orchestrator.probes.base import PROBES, Probe, Probed, observed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy

_STEP: Final = "ScheduledProcedureStepSequence."


class WorklistProbe(Probe):
    """Registered as ``worklist``. Delivered means that everything scheduled was answered."""

    name = "worklist"
    targets: ClassVar[frozenset[RoleKind]] = frozenset({"archive", "ris"})

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """Schedule what the study is the result of, then ask for today's steps of the source."""
        orders, scheduled = schedule(lab, route.source, route.target, study)
        report = ask_for_worklist(lab, route.source, route.target, orders)
        if report.outcome.succeeded and not scheduled:
            raise UnsupportedError(
                f"{lab.identities[route.target]} answers a worklist that the lab can't fill"
            )
        return observed(self.name, report, judge_worklist(report, orders))


def schedule(lab: Lab, source: str, target: str, study: SentStudy) -> tuple[Schedule, bool]:
    """Order what ``study`` is the result of from the modality ``source``, for today, at ``target``.

    Returns the orders as they should be answered, and whether they could be scheduled.
    """
    ris = None if target in lab.archives else lab.state.modalities[target].ris

    def made(changes: Mapping[str, str | None]) -> Schedule:
        return orders_for(
            study,
            lab.exchange,
            station=lab.state.modalities[source].aetitle,
            day=day,
            changes=changes,
        )

    day = datetime.date.today()
    scheduled = schedule_at(lab, target, made({} if ris is None else ris.schedule))
    return made({}), scheduled


def ask_for_worklist(lab: Lab, source: str, target: str, orders: Schedule) -> Report:
    """Query as a modality does: its own title, its modality, the day."""
    first = orders.steps[0]
    return lab.ask(
        source,
        Worklist(
            target=worklist_target(lab, (source, target)),
            caller=lab.caller(source),
            keys={
                f"{_STEP}ScheduledStationAETitle": lab.state.modalities[source].aetitle,
                f"{_STEP}Modality": first.modality,
                f"{_STEP}ScheduledProcedureStepStartDate": first.date,
            },
        ),
    )


def judge_worklist(report: Report, orders: Schedule) -> Delivery | None:
    """Whether every order is among the answers, which are counted; None where it was stopped."""
    if not report.outcome.succeeded:
        return None
    found = [order for order in orders.steps if picked(report, order) is not None]
    all_there = len(found) == len(orders.steps)
    return Delivery.seen(
        "" if all_there else "incomplete" if found else "no-match",
        f"answers: {len(report.answers)}, for {len(found)} of {len(orders.steps)} orders",
    )


def picked(report: Report, order: ScheduledStep) -> dict[str, str] | None:
    """The answer that a technologist picks for ``order``: by accession number, else by study."""
    key, wanted = "AccessionNumber", order.accession_number
    if not wanted:
        key, wanted = "StudyInstanceUID", order.study_uid or ""
    return next((answer for answer in report.answers if answer.get(key) == wanted), None)


PROBES.register("worklist")(WorklistProbe())
