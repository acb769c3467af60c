"""Modality Worklist SCP (PS3.4 annex K), from a file that may change while it is served."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pydantic import Field
from pydicom import Dataset
from pynetdicom import evt
from pynetdicom.presentation import PresentationContext

from dicom.dimse.responses import PENDING, SUCCESS, Failure, Reply
from dicom.errors import UsageError
from dicom.frozen import Frozen
from dicom.workflow.schedule import ScheduleFile
from dicom.workflow.worklist import MODALITY_WORKLIST, find
from modalities.scp.acceptor import ACCEPTORS, Hosting, Role, supported

_CANCELLED: Final = 0xFE00
_UNABLE_TO_PROCESS: Final = Failure(status=0xC000, comment="{error}")


class WorklistRules(Frozen):
    """A worklist, and how queries of it are answered.

    ``file`` is relative to the exchange folder (see ``dicom.workflow.schedule``). ``askers`` are
    the calling AE titles that get answers, None for any; others get ``refused``. ``limit`` is how
    many items are answered at most, after which the answer ends as if there were no more.
    ``character_set`` stands for every item's own. ``failure`` answers every query.
    """

    file: str
    askers: tuple[str, ...] | None = None
    refused: Failure = Failure(status=0xA700, comment="not authorized")
    limit: int | None = Field(default=None, ge=0)
    character_set: tuple[str, ...] | None = None
    failure: Failure | None = None


class WorklistAcceptor:
    """Answers C-FIND of the Modality Worklist Information Model.

    Raises:
        UsageError: the file is missing, or wrong; each mistake with its line.
    """

    def __init__(self, hosting: Hosting, rules: WorklistRules) -> None:
        self._rules = rules
        self._file = ScheduleFile(hosting.exchange / rules.file)

    @property
    def events(self) -> Mapping[Any, Callable[[Any], Any]]:
        """C-FIND."""
        return {evt.EVT_C_FIND: self._find}

    def supports(
        self, proposed: PresentationContext, role: Role | None
    ) -> PresentationContext | None:
        """The worklist's information model, in an uncompressed syntax."""
        del role
        return (
            supported(MODALITY_WORKLIST) if proposed.abstract_syntax == MODALITY_WORKLIST else None
        )

    def _find(self, event: Any) -> Iterator[tuple[Dataset | int, Dataset | None]]:
        rules = self._rules
        refusal = self._refusal(event.assoc.requestor.primitive.calling_ae_title.strip())
        if refusal is not None:
            yield refusal.command_attributes(), None
            return
        try:
            items = find(self._file.current(), event.identifier, datetime.date.today())
            for number, item in enumerate(items):
                if number == rules.limit:
                    break
                if event.is_cancelled:
                    yield _CANCELLED, None
                    return
                if rules.character_set is not None:
                    item.SpecificCharacterSet = list(rules.character_set)
                yield PENDING, item
        except UsageError as error:
            yield Reply.failed(_UNABLE_TO_PROCESS, str(error)).command_attributes(), None
            return
        yield SUCCESS, None

    def _refusal(self, calling: str) -> Reply | None:
        rules = self._rules
        if rules.failure is not None:
            return Reply.failed(rules.failure)
        if rules.askers is not None and calling not in rules.askers:
            return Reply.failed(rules.refused)
        return None


@ACCEPTORS.register("worklist")
def _worklist(hosting: Hosting) -> WorklistAcceptor | None:
    rules = hosting.listen.worklist
    return None if rules is None else WorklistAcceptor(hosting, rules)
