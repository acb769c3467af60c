"""Storage and Verification SCU: C-ECHO and C-STORE, reported rung by rung."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dimse_messages import C_ECHO_RQ, C_STORE_RQ, DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO, C_STORE, DimsePrimitiveType
from pynetdicom.status import code_to_category

from modalities.association import MAX_CONTEXTS, Association
from modalities.commands import Echo, ObjectReport, Report, Store, Target
from modalities.ladder import Rung, Signature
from modalities.link import StoppedError
from modalities.part10 import Part10File, inspect
from modalities.tls import client_context
from modalities.trace import AssociationTrace

#: Verification SOP class (PS3.4 annex A).
VERIFICATION: Final = UID("1.2.840.10008.1.1")
#: Implicit VR Little Endian must be among them: it is all that DCM4CHEE takes (F4b).
UNCOMPRESSED: Final = (str(ImplicitVRLittleEndian), str(ExplicitVRLittleEndian))
MEDIUM_PRIORITY: Final = 0
_MAX_MESSAGE_ID: Final = 0xFFFF


def echo(command: Echo, exchange: Path, observer: str) -> Report:
    """Carry out a C-ECHO.

    Raises:
        ModalityError: the command names files or titles that can't be used.
    """
    syntaxes = command.transfer_syntaxes or UNCOMPRESSED
    association = Association(
        command.target,
        command.caller,
        [(VERIFICATION, syntaxes)],
        tls_of(command.target, exchange),
        observer,
    )
    request = C_ECHO()
    request.MessageID = 1
    request.AffectedSOPClassUID = VERIFICATION

    def carry_out() -> str:
        association.open()
        association.require(1)
        association.send(message_of(C_ECHO_RQ(), request), 1)
        return check_status(association.receive())

    return exchanged(association, carry_out)


def store(
    command: Store,
    exchange: Path,
    observer: str,
    progress: Callable[[ObjectReport], None] | None = None,
) -> Report:
    """Send Part-10 files, each exactly as it is stored.

    Presentation contexts are the distinct (SOP class, transfer syntax) of the files, on as many
    associations, one after another, as 128 contexts each make necessary. The first association
    that fails ends the sending; objects that were not sent then carry its signature. A refused
    context or a failure status concerns that object only. ``progress`` is told of each object
    as soon as it was sent or refused.

    Raises:
        ModalityError: a file can't be sent at all; nothing was sent then.
    """
    files = [(name, inspect(exchange / name)) for name in command.files]
    tls = tls_of(command.target, exchange)
    reports: dict[int, ObjectReport] = {}
    traces: list[AssociationTrace] = []
    stopped: StoppedError | None = None
    for contexts, members in _associations([file for _, file in files]):
        if stopped is None:
            association = Association(command.target, command.caller, contexts, tls, observer)
            numbers = {
                (abstract, syntax): 2 * index + 1
                for index, (abstract, (syntax,)) in enumerate(contexts)
            }
            sending = _StoreSession(association, numbers, progress)
            stopped = sending.run([(index, *files[index]) for index in members])
            reports.update(sending.reports)
            traces.append(association.trace())
        for index in members:
            if stopped is not None and index not in reports:
                reports[index] = _object(*files[index], stopped)
    objects = tuple(reports[index] for index in range(len(files)))
    first = next((report for report in objects if report.signature is not None), None)
    return Report(
        rung=first.rung if first else Rung.DIMSE,
        signature=first.signature if first else None,
        comment=first.comment if first else "",
        objects=objects,
        traces=tuple(traces),
    )


def tls_of(target: Target, exchange: Path) -> ssl.SSLContext | None:
    """The context for a target that speaks TLS, else None."""
    return None if target.tls is None else client_context(target.tls, exchange)


def message_of(message: DIMSEMessage, primitive: DimsePrimitiveType) -> DIMSEMessage:
    """Fill ``message`` from ``primitive``."""
    message.primitive_to_message(primitive)
    return message


def store_request(
    message_id: int,
    sop_class_uid: str,
    sop_instance_uid: str,
    originator: tuple[str, int] | None = None,
) -> DIMSEMessage:
    """C-STORE-RQ (PS3.7 9.1.1) for a dataset whose bytes follow from elsewhere.

    Args:
        originator: who asked for the C-MOVE that this is a part of, and with which message ID.
    """
    request = C_STORE()
    request.MessageID = message_id
    request.AffectedSOPClassUID = sop_class_uid
    request.AffectedSOPInstanceUID = sop_instance_uid
    request.Priority = MEDIUM_PRIORITY
    if originator is not None:
        title, originator_message_id = originator
        request.MoveOriginatorApplicationEntityTitle = title
        request.MoveOriginatorMessageID = originator_message_id
    message = message_of(C_STORE_RQ(), request)
    message.command_set.CommandDataSetType = 0x0001  # a dataset follows (PS3.7 E.1)
    return message


def check_status(response: DimsePrimitiveType) -> str:
    """The response's comment where its status is success or a warning.

    Raises:
        StoppedError: at ``dimse``, with any other status and what the peer says about it.
    """
    status = getattr(response, "Status", None)
    if status is None:
        words = f"{type(response).__name__} without a status"
        raise StoppedError(Rung.DIMSE, Signature.aborted(2, 6), words)
    comment = comment_of(response)
    category = code_to_category(status)
    if category == "Success":
        return comment
    if category == "Warning":
        return f"warning 0x{status:04X} {comment}".rstrip()
    raise StoppedError(Rung.DIMSE, Signature.status(status), comment)


def comment_of(response: DimsePrimitiveType) -> str:
    """Error Comment and Offending Element of a response (PS3.7 annex C), or nothing."""
    comment = str(getattr(response, "ErrorComment", None) or "").strip()
    offending = getattr(response, "OffendingElement", None)
    if offending:
        elements = offending if isinstance(offending, list | tuple) else [offending]
        comment = f"{comment} (offending element {', '.join(map(str, elements))})".strip()
    return comment


def exchanged(association: Association, carry_out: Callable[[], str]) -> Report:
    """Run ``carry_out`` (which answers with a comment), end the association, and report."""
    rung: Rung = Rung.DIMSE
    signature: Signature | None = None
    try:
        comment = carry_out()
    except StoppedError as stopped:
        rung, signature, comment = stopped.rung, stopped.signature, stopped.comment
    finally:
        association.release()
    return Report(rung=rung, signature=signature, comment=comment, traces=(association.trace(),))


class _StoreSession:
    """C-STORE of some files on one association; ``reports`` by index of the file."""

    def __init__(
        self,
        association: Association,
        contexts: dict[tuple[str, str], int],
        progress: Callable[[ObjectReport], None] | None,
    ) -> None:
        self._association = association
        self._progress = progress
        self._contexts = contexts
        self._message_id = 0
        self.reports: dict[int, ObjectReport] = {}

    def run(self, files: Sequence[tuple[int, str, Part10File]]) -> StoppedError | None:
        """Send them in order; returns what ended the association before its time."""
        try:
            self._association.open()
            return self._send_all(files)
        except StoppedError as stopped:
            return stopped
        finally:
            self._association.release()

    def _send_all(self, files: Sequence[tuple[int, str, Part10File]]) -> StoppedError | None:
        for index, name, file in files:
            stopped: StoppedError | None = None
            comment = ""
            try:
                comment = self._send(file)
            except StoppedError as reason:
                stopped = reason
            self.reports[index] = _object(name, file, stopped, comment)
            if self._progress is not None:
                self._progress(self.reports[index])
            if stopped is not None and stopped.signature.kind not in ("context", "status"):
                return stopped
        return None

    def _send(self, file: Part10File) -> str:
        context = self._contexts[file.sop_class_uid, file.transfer_syntax_uid]
        self._association.require(context)
        self._message_id = self._message_id % _MAX_MESSAGE_ID + 1
        message = store_request(self._message_id, file.sop_class_uid, file.sop_instance_uid)
        with file.path.open("rb") as dataset:
            dataset.seek(file.offset)
            self._association.send(message, context, dataset)
        return check_status(self._association.receive())


def _associations(
    files: Sequence[Part10File],
) -> Iterator[tuple[list[tuple[str, tuple[str]]], list[int]]]:
    """Contexts and file indices of each association needed, in order of first appearance."""
    members: dict[tuple[str, tuple[str]], list[int]] = {}
    for index, file in enumerate(files):
        members.setdefault((file.sop_class_uid, (file.transfer_syntax_uid,)), []).append(index)
    contexts = list(members)
    for start in range(0, len(contexts), MAX_CONTEXTS):
        chunk = contexts[start : start + MAX_CONTEXTS]
        yield chunk, sorted(index for context in chunk for index in members[context])


def _object(
    name: str, file: Part10File, stopped: StoppedError | None, comment: str = ""
) -> ObjectReport:
    return ObjectReport(
        file=name,
        sop_class_uid=file.sop_class_uid,
        sop_instance_uid=file.sop_instance_uid,
        transfer_syntax_uid=file.transfer_syntax_uid,
        rung=stopped.rung if stopped else Rung.DIMSE,
        signature=stopped.signature if stopped else None,
        comment=stopped.comment if stopped else comment,
    )
