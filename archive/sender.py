"""C-STORE as SCU: to the destination of a C-MOVE, or to a peer on order (forward)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from io import BytesIO
from typing import Final, NamedTuple

from pynetdicom.dimse_primitives import DimsePrimitiveType
from pynetdicom.status import code_to_category

from archive.encoding import reencode
from archive.policy import Policy
from archive.store import Held
from dicom.association.ends import Caller, Target, Timeouts
from dicom.association.requestor import MAX_CONTEXTS, Association
from dicom.datasets.encoding import MalformedDatasetError
from dicom.datasets.part10 import inspect
from dicom.dimse.scu import status_of, store_request
from dicom.ladder import StoppedError
from dicom.settings import KnownAE

#: How long a sender waits: to connect, for the association, for a C-STORE response (F22d).
_TIMEOUTS: Final = Timeouts(connect=5.0, acse=10.0, dimse=30.0, network=30.0)
#: What a response without a status is taken for.
_PROCESSING_FAILURE: Final = 0x0110


class Originator(NamedTuple):
    """Who asked for a C-MOVE, and with which message (PS3.7 9.1.1.1)."""

    title: str
    message_id: int


class StoreResult(NamedTuple):
    """What became of one object: the C-STORE status, None if it was never sent."""

    status: int | None
    error: str = ""

    @classmethod
    def answered(cls, response: DimsePrimitiveType) -> StoreResult:
        """What the receiver's ``response`` says."""
        status = status_of(response)
        if status is None:
            return cls(_PROCESSING_FAILURE, f"{type(response).__name__} without a status")
        return cls(status, "" if status == 0 else f"C-STORE status {status:#06x}")

    @property
    def counted_as(self) -> str:
        """``completed``, ``warning`` or ``failed``, as sub-operations are counted."""
        if self.status is None:
            return "failed"
        category = code_to_category(self.status)
        if category == "Success":
            return "completed"
        return "warning" if category == "Warning" else "failed"


class Sender:
    """One association with ``destination`` that stores ``objects`` there.

    Args:
        policy: the archive's; its title calls, its rules say what is proposed.
        destination: the known AE.
        objects: everything that is to be sent on this association; at least one.
        tls: context to connect with where the destination speaks TLS.
    """

    def __init__(
        self,
        policy: Policy,
        destination: KnownAE,
        objects: Sequence[Held],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._further = policy.profile.reencodes_to
        self._contexts = _proposals(objects, self._further)
        target = Target(host=destination.host, port=destination.port, called=destination.title)
        caller = Caller(calling=policy.settings.aetitle, timeouts=_TIMEOUTS)
        proposed = [(sop_class, (syntax,)) for sop_class, syntax in self._contexts]
        self._association = Association(
            target, caller, proposed, tls if destination.tls else None, policy.settings.aetitle
        )
        self._broken = ""

    def open(self) -> None:
        """Associate.

        Raises:
            StoppedError: name, connection, TLS or association failed.
        """
        self._association.open()

    def send(self, held: Held, number: int, originator: Originator | None) -> StoreResult:
        """Store one object as message ``number``."""
        if self._broken:
            return StoreResult(None, self._broken)
        try:
            context_id, syntax = self._context_for(held)
        except LookupError as error:
            return StoreResult(None, str(error))
        message = store_request(number, held.sop_class, held.sop_instance, originator)
        try:
            if syntax == held.transfer_syntax:
                with held.path.open("rb") as dataset:
                    dataset.seek(inspect(held.path).offset)
                    self._association.send(message, context_id, dataset)
            else:
                content = reencode(held.path, held.transfer_syntax, syntax)
                self._association.send(message, context_id, BytesIO(content))
            response = self._association.receive()
        except MalformedDatasetError as error:
            return StoreResult(None, str(error))
        except StoppedError as stopped:
            self._broken = words_of(stopped)
            return StoreResult(None, self._broken)
        return StoreResult.answered(response)

    def close(self) -> None:
        """Release the association."""
        self._association.release()

    def _context_for(self, held: Held) -> tuple[int, str]:
        accepted = {
            syntax: 2 * index + 1
            for index, (sop_class, syntax) in enumerate(self._contexts)
            if sop_class == held.sop_class and 2 * index + 1 in self._association.syntaxes
        }
        if held.transfer_syntax in accepted:
            return accepted[held.transfer_syntax], held.transfer_syntax
        for syntax in self._further:
            if syntax in accepted:
                return accepted[syntax], syntax
        raise LookupError(
            f"no presentation context for {held.sop_class} in {held.transfer_syntax} was accepted"
        )


def words_of(stopped: StoppedError) -> str:
    """What stopped a sender, as archives log it and answer it to whom they sent for."""
    signature = stopped.signature
    if signature.kind == "rejected":
        result, source, reason = signature.code.split("/")
        return f"A-ASSOCIATE-RJ[result: {result}, source: {source}, reason: {reason}]"
    return stopped.comment or str(signature)


def _proposals(objects: Sequence[Held], extra: Sequence[str]) -> list[tuple[str, str]]:
    """(SOP class, transfer syntax) pairs: each as stored, then the vendor's further syntaxes."""
    stored = list(dict.fromkeys((each.sop_class, each.transfer_syntax) for each in objects))
    classes = dict.fromkeys(sop_class for sop_class, _ in stored)
    further = [(sop_class, syntax) for sop_class in classes for syntax in extra]
    return list(dict.fromkeys([*stored, *further]))[:MAX_CONTEXTS]
