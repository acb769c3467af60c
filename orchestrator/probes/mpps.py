"""MPPS from beginning to end, at a RIS or an archive, with what it then knows of the step."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from dicom.datasets.identifier import attributes_of
from dicom.workflow.performed import PerformedStep
from dicom.workflow.worklist import worklist_item
from modalities.commands import Report
from modalities.services.mpps import MppsCreate, MppsSet
from orchestrator.errors import UnsupportedError
from orchestrator.judging.delivery import Delivery
from orchestrator.lab.department import orders_for, performed_at
from orchestrator.model.scenario import RoleKind, Route
from orchestrator.probes.base import PROBES, Probe, Probed, joined, observed

if TYPE_CHECKING:
    from dicom.datasets.fingerprint import Fingerprint
    from orchestrator.lab.lab import Lab
    from orchestrator.lab.study import SentStudy


class MppsProbe(Probe):
    """Registered as ``mpps``.

    The step is performed for an order that the target need not know. Delivered means that the
    target, asked afterwards, knows it as completed with every instance; otherwise it is
    ``unrecorded``.
    """

    name = "mpps"
    targets: ClassVar[frozenset[RoleKind]] = frozenset({"archive", "ris"})

    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        """N-CREATE, then N-SET with the study's series; the first that is stopped decides."""
        day = datetime.date.today()
        station = lab.state.modalities[route.source].aetitle
        orders = orders_for(study, lab.exchange, station=station, day=day, changes={})
        item = attributes_of(worklist_item(orders.steps[0], day))
        report = begin_step(lab, route.source, route.target, item, orders.steps[0].modality)
        delivery = None
        if report.outcome.succeeded:
            uid = report.sop_instance_uid
            completed = complete_step(lab, route.source, route.target, uid, study.files)
            report = joined([report, completed])
        if report.outcome.succeeded:
            known = performed_at(lab, route.target)
            if known is None:
                raise UnsupportedError(
                    f"{lab.identities[route.target]} took the procedure step, but the lab can't"
                    " ask it what it recorded"
                )
            delivery = judge_step(known, report.sop_instance_uid, study.fingerprints)
        return observed(self.name, report, delivery)


def begin_step(
    lab: Lab, source: str, target: str, item: Mapping[str, str], modality: str
) -> Report:
    """N-CREATE of a step for a worklist item, or for what else is known."""
    return lab.ask(
        source,
        MppsCreate(
            target=lab.target((source, target)),
            caller=lab.caller(source),
            modality=modality,
            worklist_item=dict(item),
        ),
    )


def complete_step(lab: Lab, source: str, target: str, uid: str, files: Sequence[str]) -> Report:
    """N-SET of step ``uid`` to COMPLETED, with the series that ``files`` are."""
    return lab.ask(
        source,
        MppsSet(
            target=lab.target((source, target)),
            caller=lab.caller(source),
            sop_instance_uid=uid,
            files=tuple(files),
        ),
    )


def judge_step(known: Sequence[PerformedStep], uid: str, made: Sequence[Fingerprint]) -> Delivery:
    """Whether step ``uid`` is known as completed with just the instances ``made``, and a line."""
    step = next((each for each in known if each.sop_instance_uid == uid), None)
    expected = frozenset(each.sop_instance_uid for each in made)
    if step is None:
        details = f"procedure step {uid} is not known there"
    else:
        listed = len(step.instances & expected)
        details = f"procedure step {step.status} with {listed} of {len(expected)} instances"
    right = step is not None and (step.status, step.instances) == ("COMPLETED", expected)
    return Delivery.seen("" if right else "unrecorded", details)


PROBES.register("mpps")(MppsProbe())
