"""C-MOVE and C-GET as SCP (PS3.4 C.4.2, C.4.3): sub-operations and how they are reported."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from threading import Thread
from typing import Final

from pydicom import Dataset
from pynetdicom.dimse_primitives import C_GET, C_MOVE, C_STORE

from archive.encoding import reencode
from archive.identifiers import UNIQUE_KEY, Identifier
from archive.policy import Policy
from archive.sender import Originator, Sender, StoreResult, words_of
from archive.store import Held, ObjectStore
from archive.vendor import Retrieve
from dicom.association.accepted import AcceptedAssociation, Context
from dicom.datasets.codec import encode
from dicom.datasets.encoding import MalformedDatasetError
from dicom.datasets.part10 import inspect
from dicom.dimse.responses import CANCELLED, PENDING, SUCCESS, Failure
from dicom.ladder import StoppedError
from dicom.services.responses import failed, response_to

_MAX_MESSAGE_ID: Final = 0xFFFF

#: Makes a sender for a known destination title and the objects that are to go there.
MakeSender = Callable[[str, Sequence[Held]], Sender]


@dataclass
class Counters:
    """Sub-operations of one retrieval (PS3.7 9.1.4.1.7 and following)."""

    remaining: int
    completed: int = 0
    failed: int = 0
    warning: int = 0
    failed_instances: list[str] = field(default_factory=list)

    def count(self, held: Held, outcome: str) -> None:
        """Count one sub-operation that came to ``completed``, ``warning`` or ``failed``."""
        self.remaining -= 1
        setattr(self, outcome, getattr(self, outcome) + 1)
        if outcome == "failed":
            self.failed_instances.append(held.sop_instance)


def matching(store: ObjectStore, identifier: Identifier, rules: Retrieve) -> tuple[Held, ...]:
    """Objects below the entities that a retrieve identifier names, in the vendor's order."""
    keyword = UNIQUE_KEY[identifier.level]
    return in_order(store.select({keyword: identifier.keys[keyword]}), rules)


def in_order(held: tuple[Held, ...], rules: Retrieve) -> tuple[Held, ...]:
    """Objects, given oldest first, in the order in which the vendor sends them (F9b)."""
    if rules.order == "newest-first":
        return tuple(reversed(held))
    return held if rules.order == "oldest-first" else tuple(sorted(held, key=_hashes))


def _hashes(held: Held) -> tuple[str, str]:
    study = f"{held.patient_id}|{held.study}"
    instance = f"{study}|{held.series}|{held.sop_instance}"
    return _sha1(study), _sha1(instance)


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Retrieval:
    """One C-MOVE or C-GET on ``association``; ``log`` hears what an administrator asks about."""

    def __init__(
        self,
        policy: Policy,
        association: AcceptedAssociation,
        context: Context,
        log: Callable[[str], None],
    ) -> None:
        self._rules = policy.profile.retrieve
        self._policy = policy
        self._association = association
        self._context = context
        self._log = log

    def move(self, request: C_MOVE, held: Sequence[Held], make_sender: MakeSender) -> None:
        """Carry out a C-MOVE of ``held`` (F7, F8, F9) and send all its responses."""
        destination = str(request.MoveDestination or "").strip()
        title = f"C-MOVE from {self._association.calling} to {destination}"
        if self._policy.known(destination) is None:
            self._log(f"{title}: unknown move destination")
            self._refuse(request, self._rules.unknown_destination, destination=destination)
            return
        if not held:
            self._log(f"{title}: nothing matches")
            self._final(request, self._rules.nothing_matches, Counters(0), counted=self._zeros)
            return
        sender = make_sender(destination, held)
        originator = Originator(self._association.calling, int(request.MessageID or 0))
        if not self._policy.settings.synchronous_move:
            self._promise(request, held, sender, originator, title)
            return
        try:
            sender.open()
        except StoppedError as stopped:
            words = words_of(stopped)
            self._log(f"{title}: {words}")
            self._refuse(
                request,
                self._rules.unreachable_destination,
                destination=destination,
                error=words,
            )
            return
        try:
            self._move_all(request, held, sender, originator, title)
        finally:
            sender.close()

    def get(self, request: C_GET, held: Sequence[Held]) -> None:
        """Carry out a C-GET of ``held`` (F10) and send all its responses."""
        title = f"C-GET from {self._association.calling}"
        counters = Counters(len(held))
        if not held:
            self._log(f"{title}: nothing matches")
            self._final(request, self._rules.nothing_matches, counters, counted=self._zeros)
            return
        for number, each in enumerate(held, start=1):
            if self._association.cancelled(int(request.MessageID or 0)):
                self._final(request, CANCELLED, counters)
                return
            sent = self._store_back(each, number)
            counters.count(each, sent.counted_as)
            if sent.error:
                self._log(f"{title}: {each.sop_instance}: {sent.error}")
            stop = self._rules.get_stop_without_context
            if sent.status is None and stop is not None:
                self._final(request, stop.status, counters)
                return
            self._pending(request, counters)
        self._finish(request, counters, self._rules.get_warning_status, title)

    def refuse_identifier(
        self, request: C_MOVE | C_GET, failure: Failure, why: str, offending: int | None
    ) -> None:
        """Refuse a request whose identifier the vendor does not accept (F24)."""
        self._log(f"retrieval for {self._association.calling} refused: {why}")
        self._refuse(request, failure, error=why, offending=offending)

    def _move_all(
        self,
        request: C_MOVE,
        held: Sequence[Held],
        sender: Sender,
        originator: Originator,
        title: str,
    ) -> None:
        counters = Counters(len(held))
        if self._rules.pending == "first":
            self._pending(request, counters)
        for number, each in enumerate(held, start=1):
            if self._association.cancelled(int(request.MessageID or 0)):
                self._final(request, CANCELLED, counters)
                return
            sent = sender.send(each, number % _MAX_MESSAGE_ID, originator)
            outcome = self._rules.move_warning if sent.counted_as == "warning" else sent.counted_as
            counters.count(each, outcome)
            if sent.error:
                self._log(f"{title}: {each.sop_instance}: {sent.error}")
            if outcome == "failed" and self._rules.stop_at_failure is not None:
                self._refuse(request, self._rules.stop_at_failure, error=sent.error)
                return
            if self._rules.pending == "each" and counters.remaining:
                self._pending(request, counters)
        self._finish(request, counters, SUCCESS, title)

    def _promise(
        self,
        request: C_MOVE,
        held: Sequence[Held],
        sender: Sender,
        originator: Originator,
        title: str,
    ) -> None:
        """Answer success first and send afterwards, whatever comes of it (F8, asynchronous)."""
        counters = Counters(len(held))
        for each in held:
            counters.count(each, "completed")
            if counters.remaining:
                self._pending(request, counters)
        self._final(request, SUCCESS, counters)

        def send_all() -> None:
            try:
                sender.open()
                for number, each in enumerate(held, start=1):
                    sent = sender.send(each, number % _MAX_MESSAGE_ID, originator)
                    if sent.error:
                        self._log(f"{title}: {each.sop_instance}: {sent.error}")
            except StoppedError as stopped:
                self._log(f"{title}: {words_of(stopped)}, after success was reported")
            finally:
                sender.close()

        Thread(target=send_all, name=title, daemon=True).start()

    def _store_back(self, held: Held, number: int) -> StoreResult:
        """One C-STORE sub-operation on the association that asked for it."""
        context = self._context_for(held)
        if context is None:
            why = f"no presentation context for {held.sop_class} on this association"
            return StoreResult(None, why)
        request = C_STORE()
        request.MessageID = number % _MAX_MESSAGE_ID
        request.Priority = 0
        request.AffectedSOPClassUID = held.sop_class
        request.AffectedSOPInstanceUID = held.sop_instance
        try:
            request.DataSet = BytesIO(self._content(held, context.transfer_syntax))
        except MalformedDatasetError as error:
            return StoreResult(None, str(error))
        self._association.send(request, context)
        return StoreResult.answered(self._association.receive()[1].primitive)

    @staticmethod
    def _content(held: Held, transfer_syntax: str) -> bytes:
        if transfer_syntax == held.transfer_syntax:
            return held.path.read_bytes()[inspect(held.path).offset :]
        return reencode(held.path, held.transfer_syntax, transfer_syntax)

    def _context_for(self, held: Held) -> Context | None:
        roles = self._association.requested.roles.get(held.sop_class)
        if self._rules.get_needs_role and not (roles and roles.scp):
            return None
        usable = {
            context.transfer_syntax: context
            for context in self._association.contexts.values()
            if context.abstract_syntax == held.sop_class
        }
        wanted = (held.transfer_syntax, *self._policy.profile.reencodes_to)
        return next((usable[syntax] for syntax in wanted if syntax in usable), None)

    def _finish(self, request: C_MOVE | C_GET, counters: Counters, warned: int, title: str) -> None:
        self._log(
            f"{title}: {counters.completed} completed, {counters.failed} failed,"
            f" {counters.warning} with a warning"
        )
        if counters.failed and not counters.completed and not counters.warning:
            status = self._rules.nothing_sendable.status
        elif counters.failed:
            status = self._rules.some_failed
        else:
            status = warned if counters.warning else SUCCESS
        self._final(request, status, counters)

    def _refuse(
        self,
        request: C_MOVE | C_GET,
        failure: Failure,
        *,
        destination: str = "",
        error: str = "",
        offending: int | None = None,
    ) -> None:
        response = response_to(request)
        failed(response, failure, offending=offending, destination=destination, error=error)
        if self._zeros:
            _set_counters(response, Counters(0), final=True)
        self._association.send(response, self._context)

    @property
    def _zeros(self) -> bool:
        return self._rules.counters_on_failure

    def _pending(self, request: C_MOVE | C_GET, counters: Counters) -> None:
        response = response_to(request)
        response.Status = PENDING
        _set_counters(response, counters, final=False)
        self._association.send(response, self._context)

    def _final(
        self, request: C_MOVE | C_GET, status: int, counters: Counters, *, counted: bool = True
    ) -> None:
        response = response_to(request)
        response.Status = status
        if counted:
            _set_counters(response, counters, final=status != CANCELLED)
        if counters.failed_instances and self._rules.failed_list:
            identifier = Dataset()
            identifier.FailedSOPInstanceUIDList = counters.failed_instances
            response.Identifier = BytesIO(encode(identifier, self._context.transfer_syntax))
        self._association.send(response, self._context)


def _set_counters(response: C_MOVE | C_GET, counters: Counters, *, final: bool) -> None:
    """Counters of a response; remaining ones are not reported at the end (PS3.4 C.4.2.1.7)."""
    if not final:
        response.NumberOfRemainingSuboperations = counters.remaining
    response.NumberOfCompletedSuboperations = counters.completed
    response.NumberOfFailedSuboperations = counters.failed
    response.NumberOfWarningSuboperations = counters.warning
