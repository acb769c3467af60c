"""A node's own SCP, started anew with each behaviour that it is told to have."""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from dicom.association.tls import server_context
from dicom.workflow.storage_commitment import CommitmentResult
from modalities.commands import Report
from modalities.scp.behaviour import ScpBehaviour
from modalities.scp.intake import Intake
from modalities.scp.server import NodeScp


class Reception:
    """Listens on nothing until it is told to; any thread may call.

    What has arrived outlives a change of behaviour; traces do not.

    Args:
        name: the node's name in traces.
        bind: address to listen on.
    """

    def __init__(self, name: str, bind: str) -> None:
        self._name, self._bind = name, bind
        self._intake = Intake()
        self._scp: NodeScp | None = None
        self._lock = Lock()

    def listen(self, behaviour: ScpBehaviour, exchange: Path) -> int:
        """Listen as ``behaviour`` says, and no longer as before; returns the port.

        Raises:
            UsageError: the port is taken, the TLS material can't be used, or a service can't be
                offered as written.
        """
        tls = None if behaviour.tls is None else server_context(behaviour.tls, exchange)
        with self._lock:
            self._stop()
            self._scp = NodeScp(self._name, behaviour, self._bind, tls, exchange, self._intake)
            return self._scp.port

    def await_commitment(self, transaction_uid: str, seconds: float) -> CommitmentResult | None:
        return self._intake.await_commitment(transaction_uid, seconds)

    def report(self) -> Report:
        """What was received since the start or the last ``forget``, and the traces of it."""
        scp = self._scp
        return Report(
            received=self._intake.instances,
            commitments=self._intake.commitments,
            performed=self._intake.procedure_steps.performed(),
            traces=() if scp is None else scp.traces(),
            port=0 if scp is None else scp.port,
        )

    def forget(self) -> None:
        """Drop what was received, and its traces."""
        self._intake.forget()
        scp = self._scp
        if scp is not None:
            scp.forget()

    def stop(self) -> None:
        """Listen no more; idempotent."""
        with self._lock:
            self._stop()

    def _stop(self) -> None:
        if self._scp is not None:
            self._scp.stop()
            self._scp = None
