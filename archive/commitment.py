"""Storage commitment as SCP (PS3.4 annex J, F11): asked for by N-ACTION, settled by N-EVENT-REPORT.

The result is reported on an association of the archive's own, to where its table of known AEs
says that the requester listens, or on that of the request.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from io import BytesIO
from threading import Event, Lock, Thread
from typing import Any, Final, NamedTuple

from pynetdicom.dimse_messages import N_EVENT_REPORT_RQ
from pynetdicom.dimse_primitives import N_ACTION, N_EVENT_REPORT

from archive.commitment_data import ReferencedInstance, information_of, judged, requested
from archive.policy import Policy
from archive.store import ObjectStore
from archive.vendor import Commitment
from dicom.association.accepted import AcceptedAssociation, Context
from dicom.association.ends import Caller, Target, Timeouts
from dicom.association.negotiated import RoleSelection
from dicom.association.requestor import Association
from dicom.datasets.codec import encode
from dicom.dimse.responses import Failure
from dicom.dimse.scu import check_status, message_of
from dicom.ladder import StoppedError
from dicom.services.responses import failed, response_to
from dicom.settings import KnownAE
from dicom.workflow.storage_commitment import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE

#: What a response without a status is taken for.
_PROCESSING_FAILURE: Final = 0x0110
#: Event Types (PS3.4 table J.3-2): successful, and complete with failures.
_ALL_COMMITTED: Final = 1
_SOME_FAILED: Final = 2
_TIMEOUTS: Final = Timeouts(connect=5.0, acse=10.0, dimse=30.0, network=30.0)
_CONTEXT: Final = 1
_STOP_SECONDS: Final = 2.0


class _Order(NamedTuple):
    """A request that was taken: who asked, in which transaction, for what."""

    calling: str
    transaction: str
    asked: tuple[ReferencedInstance, ...]


class Committer:
    """Takes requests for storage commitment, and reports on each.

    Args:
        store: the archive's objects.
        policy: what is in force when a result is delivered, which may be long after the request.
        client_tls: the context to call with, where the requester speaks TLS.
        log: the archive's.
    """

    def __init__(
        self,
        store: ObjectStore,
        policy: Callable[[], Policy],
        client_tls: Callable[[], ssl.SSLContext | None],
        log: Callable[[str], None],
    ) -> None:
        self._store, self._policy = store, policy
        self._client_tls, self._log = client_tls, log
        self._stopping = Event()
        self._lock = Lock()
        self._reporting: set[Thread] = set()

    def request(
        self,
        policy: Policy,
        rules: Commitment,
        association: AcceptedAssociation,
        context: Context,
        action: N_ACTION,
    ) -> None:
        """Answer an N-ACTION, and see to it that its result is reported.

        Raises:
            AssociationEndedError: the vendor aborts instead.
        """
        calling = association.calling

        def refuse(failure: Failure, error: str = "") -> None:
            response = response_to(action)
            failed(response, failure, calling=calling, error=error)
            self._log(f"N-ACTION from {calling} refused: {failure.status:#06x} {error}".rstrip())
            association.send(response, context)

        if _is_stranger(policy, calling):
            if rules.unknown_requester == "abort":
                association.give_up(f"aborted (0/0): N-ACTION is not allowed to {calling}")
            refuse(rules.unknown_requester)
            return
        try:
            order = _Order(calling, *requested(action, context))
        except ValueError as error:
            if rules.invalid_request == "silence":
                self._log(f"N-ACTION from {calling} left unanswered: {error}")
            else:
                refuse(rules.invalid_request, str(error))
            return
        if not order.asked and rules.empty_request != "accept":
            refuse(rules.empty_request)
            return
        self._log(
            f"N-ACTION from {calling}: {len(order.asked)} instances in transaction"
            f" {order.transaction}"
        )
        response = response_to(action)
        response.Status = 0x0000
        association.send(response, context)
        if rules.report_on == "same":
            association.send(self._event(rules, order, context.transfer_syntax), context)
        else:
            self._report_later(rules, order)

    def reported(self, calling: str, response: N_EVENT_REPORT) -> None:
        """Log the answer to a result that went out on the association of its request."""
        self._log(f"N-EVENT-REPORT to {calling} answered {_status(response):#06x}")

    def stop(self) -> None:
        """Try no more; idempotent."""
        self._stopping.set()
        with self._lock:
            reporting = tuple(self._reporting)
        for thread in reporting:
            thread.join(_STOP_SECONDS)

    def _report_later(self, rules: Commitment, order: _Order) -> None:
        def report() -> None:
            try:
                self._deliver(rules, order)
            finally:
                with self._lock:
                    self._reporting.discard(thread)

        thread = Thread(target=report, name=f"commitment-{order.transaction}", daemon=True)
        with self._lock:
            self._reporting.add(thread)
        thread.start()

    def _deliver(self, rules: Commitment, order: _Order) -> None:
        """Report on an association of our own, as often as the vendor tries."""
        title = f"N-EVENT-REPORT on transaction {order.transaction} to {order.calling}"
        delay = rules.retry_delay
        for attempt in range(rules.retries + 1):
            if attempt:
                if self._stopping.wait(min(delay, rules.longest_delay)):
                    return
                delay *= rules.retry_factor
            entry = self._policy().known(order.calling)
            if entry is None:
                self._log(f"{title} failed: it is not in the table of known AEs any more")
                continue
            try:
                self._call(rules, entry, order)
            except StoppedError as stopped:
                rung = stopped.outcome.rung.value
                self._log(f"{title} failed: {rung}: {stopped.comment or stopped}")
            else:
                self._log(f"{title}: taken")
                return

    def _call(self, rules: Commitment, entry: KnownAE, order: _Order) -> None:
        """One attempt.

        Raises:
            StoppedError: the result did not get there, or was not taken.
        """
        own_title = self._policy().settings.aetitle
        role = RoleSelection(sop_class=STORAGE_COMMITMENT, scu=False, scp=True)
        caller = Caller(
            calling=own_title,
            timeouts=_TIMEOUTS,
            roles=(role,) if rules.proposes_role else (),
        )
        association = Association(
            Target(host=entry.host, port=entry.port, called=entry.title),
            caller,
            [(STORAGE_COMMITMENT, rules.event_transfer_syntaxes)],
            self._client_tls() if entry.tls else None,
            own_title,
        )
        try:
            association.open()
            event = self._event(rules, order, association.require(_CONTEXT))
            association.send(message_of(N_EVENT_REPORT_RQ(), event), _CONTEXT)
            check_status(association.receive())
        finally:
            association.release()

    def _event(self, rules: Commitment, order: _Order, transfer_syntax: str) -> N_EVENT_REPORT:
        results = judged(self._store, order.asked)
        event = N_EVENT_REPORT()
        event.MessageID = 1
        event.AffectedSOPClassUID = STORAGE_COMMITMENT
        event.AffectedSOPInstanceUID = STORAGE_COMMITMENT_INSTANCE
        event.EventTypeID = _SOME_FAILED if any(each.reason for each in results) else _ALL_COMMITTED
        information = information_of(order.transaction, results, lists_none=rules.lists_none)
        event.EventInformation = BytesIO(encode(information, transfer_syntax))
        return event


def _is_stranger(policy: Policy, calling: str) -> bool:
    accepted = policy.settings.accepted_calling_aetitles
    listed = accepted is None or any(policy.same_title(calling, each) for each in accepted)
    return not listed or policy.known(calling) is None


def _status(response: Any) -> int:
    return int(response.Status if response.Status is not None else _PROCESSING_FAILURE)
