"""What a node's SCP has taken in since the last ``Forget``; it outlives the SCP that took it."""

from __future__ import annotations

from threading import Condition

from dicom.workflow.procedure_steps import ProcedureSteps
from dicom.workflow.storage_commitment import CommitmentResult
from modalities.commands import ReceivedInstance


class Intake:
    """Instances, storage commitment results and performed procedure steps; any thread may call.

    Attributes:
        procedure_steps: the performed procedure steps that modalities reported.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._instances: list[ReceivedInstance] = []
        self._commitments: list[CommitmentResult] = []
        self.procedure_steps = ProcedureSteps()

    @property
    def instances(self) -> tuple[ReceivedInstance, ...]:
        """In order of arrival."""
        with self._changed:
            return tuple(self._instances)

    @property
    def commitments(self) -> tuple[CommitmentResult, ...]:
        """Every N-EVENT-REPORT of the Storage Commitment Push Model, in order of arrival."""
        with self._changed:
            return tuple(self._commitments)

    def add_instance(self, instance: ReceivedInstance) -> None:
        """Keep one that was stored here."""
        with self._changed:
            self._instances.append(instance)

    def add_commitment(self, result: CommitmentResult) -> None:
        """Keep one that was reported here, and wake who waits for it."""
        with self._changed:
            self._commitments.append(result)
            self._changed.notify_all()

    def await_commitment(self, transaction_uid: str, seconds: float) -> CommitmentResult | None:

        def arrived() -> CommitmentResult | None:
            return next(
                (each for each in self._commitments if each.transaction_uid == transaction_uid),
                None,
            )

        with self._changed:
            return self._changed.wait_for(arrived, timeout=seconds)

    def forget(self) -> None:
        """Drop all of it."""
        with self._changed:
            self._instances.clear()
            self._commitments.clear()
        self.procedure_steps.forget()
