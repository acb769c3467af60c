"""Modality Worklist SCP (PS3.4 annex K), from a file that may change while it is served."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from pydicom import Dataset
from pynetdicom.dimse_primitives import C_FIND, DimsePrimitiveType

from dicom.association.accepted import AcceptedAssociation, Context
from dicom.association.requested import Proposal, Roles
from dicom.dimse.responses import Failure
from dicom.dimse.scu import UNCOMPRESSED
from dicom.services.query import answer_find, worklist_items
from dicom.services.responses import RefusedError
from dicom.workflow.schedule import ScheduleFile
from dicom.workflow.worklist import MODALITY_WORKLIST
from modalities.scp.acceptor import ACCEPTORS, AcceptorNeeds, Support, leniently_read
from modalities.scp.behaviour import WorklistRules

_UNREADABLE: Final = Failure(status=0xC311)


class WorklistAcceptor:
    """Answers C-FIND of the Modality Worklist Information Model.

    Raises:
        UsageError: the file is missing, or wrong; each mistake with its line.
    """

    def __init__(self, needs: AcceptorNeeds, rules: WorklistRules) -> None:
        self._rules = rules
        self._file = ScheduleFile(needs.exchange / rules.file)

    def supports(self, proposed: Proposal, roles: Roles | None) -> Support | None:
        del roles
        return Support(UNCOMPRESSED) if proposed.abstract_syntax == MODALITY_WORKLIST else None

    def answer(
        self, association: AcceptedAssociation, context: Context, request: DimsePrimitiveType
    ) -> bool:
        if not isinstance(request, C_FIND):
            return False
        answer_find(
            association,
            context,
            request,
            lambda asked: self._items(association.calling, asked),
            decode=leniently_read,
            unreadable=_UNREADABLE,
        )
        return True

    def _items(self, calling: str, asked: Dataset) -> Iterator[Dataset]:
        rules = self._rules
        if rules.failure is not None:
            raise RefusedError(rules.failure, "")
        if rules.askers is not None and calling not in rules.askers:
            raise RefusedError(rules.refused, "")
        for item in islice(worklist_items(self._file.current, asked), rules.limit):
            if rules.character_set is not None:
                item.SpecificCharacterSet = list(rules.character_set)
            yield item


@ACCEPTORS.register("worklist")
def _worklist(needs: AcceptorNeeds) -> WorklistAcceptor | None:
    rules = needs.behaviour.worklist
    return None if rules is None else WorklistAcceptor(needs, rules)
