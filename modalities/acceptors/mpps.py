"""Modality Performed Procedure Step SCP (PS3.4 annex F)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydicom import Dataset
from pynetdicom import evt
from pynetdicom.presentation import PresentationContext

from dicom.dimse.responses import Reply
from dicom.workflow.performed_step import MPPS
from dicom.workflow.procedure_steps import MppsRules
from modalities.scp.acceptor import ACCEPTORS, Hosting, Role, supported


class MppsAcceptor:
    """Keeps what modalities report of their steps; ``Received`` tells it."""

    def __init__(self, hosting: Hosting, rules: MppsRules) -> None:
        self._steps, self._rules = hosting.intake.procedure_steps, rules

    @property
    def events(self) -> Mapping[Any, Callable[[Any], Any]]:
        """N-CREATE and N-SET."""
        return {evt.EVT_N_CREATE: self._create, evt.EVT_N_SET: self._set}

    def supports(
        self, proposed: PresentationContext, role: Role | None
    ) -> PresentationContext | None:
        """The MPPS SOP class, in an uncompressed syntax."""
        del role
        return supported(MPPS) if proposed.abstract_syntax == MPPS else None

    def _create(self, event: Any) -> tuple[Dataset, Dataset | None]:
        uid = str(event.request.AffectedSOPInstanceUID or "")
        calling = event.assoc.requestor.primitive.calling_ae_title.strip()
        return _answer(self._steps.create(self._rules, uid, event.attribute_list, calling))

    def _set(self, event: Any) -> tuple[Dataset, Dataset | None]:
        uid = str(event.request.RequestedSOPInstanceUID or "")
        return _answer(self._steps.set(self._rules, uid, event.modification_list))


def _answer(reply: Reply) -> tuple[Dataset, Dataset | None]:
    return reply.command_attributes(), reply.dataset


@ACCEPTORS.register("mpps")
def _mpps(hosting: Hosting) -> MppsAcceptor | None:
    rules = hosting.listen.mpps
    return None if rules is None else MppsAcceptor(hosting, rules)
