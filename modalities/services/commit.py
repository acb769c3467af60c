"""Storage commitment SCU (PS3.4 annex J): ask for commitment, and wait for the result."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Final, Literal

from pydantic import Field
from pydicom.uid import generate_uid
from pynetdicom.dimse_primitives import N_EVENT_REPORT, DimsePrimitiveType

from dicom.association.ends import Caller, Target
from dicom.association.requestor import Association
from dicom.datasets.identifier import attributes_of, decoded
from dicom.datasets.part10 import inspect
from dicom.dimse.normalized import action_request, event_response
from dicom.dimse.scu import UNCOMPRESSED, check_status, tls_of
from dicom.ladder import Rung, Signature, StoppedError
from dicom.workflow.storage_commitment import (
    REQUEST_STORAGE_COMMITMENT,
    STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE,
    AwaitsCommitment,
    CommitmentResult,
    commitment_request,
    commitment_result,
)
from modalities.commands import Command, Report
from modalities.nodes.service import OwnNode, association_seconds, service
from modalities.reports import exchanged

_CONTEXT: Final = 1
_SUCCESS: Final = 0x0000
#: How soon the wait at the node's own SCP notices that the result came otherwise.
_SLICE_SECONDS: Final = 0.2


class Commit(Command):
    """Request storage commitment of ``files``, and of (SOP class, SOP instance) ``instances``.

    The result may come on the association of the request, which stays open for it ``hold``
    seconds (None: as long as there is something to wait for), or on one that the SCP opens to
    this node, which must listen for it. ``wait`` is how long to wait in all, in seconds; 0 asks
    without waiting. ``transaction_uid`` None is a new one, empty leaves it out.
    """

    kind: Literal["commit"] = "commit"
    target: Target
    caller: Caller
    files: tuple[str, ...] = ()
    instances: tuple[tuple[str, str], ...] = ()
    transaction_uid: str | None = None
    wait: float = Field(default=30.0, ge=0)
    hold: float | None = Field(default=None, ge=0)


@service(Commit, patience=lambda command: association_seconds(command.caller, 2) + command.wait)
def _commit(command: Commit, here: OwnNode) -> Report:
    listens = here.reception.report().port != 0
    return commit(command, here.exchange, here.name, here.reception if listens else None)


def commit(
    command: Commit, exchange: Path, observer: str, own: AwaitsCommitment | None = None
) -> Report:
    """Carry out a storage commitment request; ``commitment`` is what came of it.

    Instances that the SCP does not commit to are in the result, not a signature. A result that
    does not come in time is signature ``timeout`` at ``dimse``; an association that the SCP ended
    while it was our only hope is that ending.

    Args:
        own: where a result arrives that the SCP brings on an association of its own.

    Raises:
        UsageError: a file is no Part-10 file that says what it is.
    """
    instances = [
        (file.sop_class_uid, file.sop_instance_uid)
        for file in (inspect(exchange / name) for name in command.files)
    ]
    uid = generate_uid(None) if command.transaction_uid is None else command.transaction_uid
    information = commitment_request(uid, [*instances, *command.instances])
    association = Association(
        command.target,
        command.caller,
        [(STORAGE_COMMITMENT, UNCOMPRESSED)],
        tls_of(command.target, exchange),
        observer,
    )
    waiting = _Waiting(association, command, uid, own)

    def carry_out() -> str:
        association.open()
        syntax = association.require(_CONTEXT)
        request = action_request(
            1,
            STORAGE_COMMITMENT,
            STORAGE_COMMITMENT_INSTANCE,
            REQUEST_STORAGE_COMMITMENT,
            information,
            syntax,
        )
        association.send(request, _CONTEXT)
        while waiting.took(response := association.receive()):
            pass  # a result that comes before the response to its request
        comment = check_status(response)
        if command.wait > 0:
            waiting.finish()
        return comment

    report = exchanged(association, carry_out)
    return report.model_copy(update={"commitment": waiting.result})


class _Waiting:
    """Waits for the result of one transaction wherever it may arrive first."""

    def __init__(
        self,
        association: Association,
        command: Commit,
        transaction_uid: str,
        own: AwaitsCommitment | None,
    ) -> None:
        self._association = association
        self._command, self._uid, self._own = command, transaction_uid, own
        self._on_own: CommitmentResult | None = None
        self.result: CommitmentResult | None = None

    def took(self, message: DimsePrimitiveType) -> bool:
        """Whether ``message`` is an N-EVENT-REPORT, which then is answered and judged.

        Raises:
            StoppedError: at ``dimse``: it says something else than a commitment result.
        """
        if not isinstance(message, N_EVENT_REPORT) or message.MessageID is None:
            return False
        syntax = self._association.require(_CONTEXT)
        information = decoded(message.EventInformation, syntax)
        try:
            result = commitment_result(information, "same")
        except (AttributeError, TypeError, ValueError) as error:
            self._association.abort()
            words = (
                "expected Event Information (PS3.4 table J.3-2), saw"
                f" {attributes_of(information)} ({type(error).__name__}: {error})"
            )
            raise StoppedError(Rung.DIMSE, Signature.aborted(2, 6), words) from error
        self._association.send(event_response(message, _SUCCESS), _CONTEXT)
        if result.transaction_uid == self._uid:
            self.result = result
        return True

    def finish(self) -> None:
        """Wait until the result is there.

        Raises:
            StoppedError: at ``dimse``: it did not come.
        """
        deadline = time.monotonic() + self._command.wait
        ended: StoppedError | None = None
        with self._own_result_wakes(deadline) as wake:
            try:
                self._on_same_association(deadline, wake)
            except StoppedError as stopped:
                ended = stopped
            self._association.release()
            if self.result is None and self._own is not None:
                wake.settimeout(max(deadline - time.monotonic(), 0.001))
                with contextlib.suppress(TimeoutError):
                    wake.recv(1)
        self.result = self.result or self._on_own
        if self.result is None:
            raise ended if ended is not None and self._own is None else self._nothing_came(ended)

    def _on_same_association(self, deadline: float, wake: socket.socket) -> None:
        """Hold the association open for the result, until it arrives otherwise or time is up."""
        hold = self._command.hold
        until = deadline if hold is None else min(deadline, time.monotonic() + hold)
        while self.result is None and (left := until - time.monotonic()) > 0:
            if self._association.waits(left, wake):
                self.took(self._association.receive())
            elif self._on_own is not None:
                return

    @contextlib.contextmanager
    def _own_result_wakes(self, deadline: float) -> Iterator[socket.socket]:
        """A socket that can be read once the SCP's own association has brought the result."""
        reader, writer = socket.socketpair()
        over = Event()

        def watch(own: AwaitsCommitment) -> None:
            while not over.is_set() and (left := deadline - time.monotonic()) > 0:
                result = own.await_commitment(self._uid, min(left, _SLICE_SECONDS))
                if result is not None:
                    self._on_own = result
                    writer.send(b"\0")
                    return

        watcher = None if self._own is None else Thread(target=watch, args=(self._own,))
        with reader, writer:
            if watcher is not None:
                watcher.start()
            try:
                yield reader
            finally:
                over.set()
                if watcher is not None:
                    watcher.join()

    def _nothing_came(self, ended: StoppedError | None) -> StoppedError:
        words = f"no N-EVENT-REPORT for transaction {self._uid} within {self._command.wait:g} s"
        if self._own is None:
            words += "; this node does not listen, so none could come on the SCP's own association"
        else:
            words += ", neither on the request's association nor on one of the SCP's own"
        if ended is not None:
            words += f" (the request's association: {ended.signature} {ended.comment})".rstrip()
        return StoppedError(Rung.DIMSE, Signature(kind="timeout"), words)
