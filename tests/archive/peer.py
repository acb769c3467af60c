"""An SCU for tests on pynetdicom's own association: what a product at the other end would see."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from threading import Condition, Event, Thread, current_thread
from typing import Any

from pydicom import Dataset, dcmread
from pydicom.data import get_testdata_file
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.dsutils import decode
from pynetdicom.pdu_primitives import MaximumLengthNotification, SOPClassExtendedNegotiation
from pynetdicom.transport import ThreadedAssociationServer

LOOPBACK = "127.0.0.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
VERIFICATION = "1.2.840.10008.1.1"
STUDY_FIND, STUDY_MOVE, STUDY_GET = (f"1.2.840.10008.5.1.4.1.2.2.{n}" for n in (1, 2, 3))
PATIENT_FIND, PATIENT_MOVE, PATIENT_GET = (f"1.2.840.10008.5.1.4.1.2.1.{n}" for n in (1, 2, 3))
IMPLICIT, EXPLICIT = str(ImplicitVRLittleEndian), str(ExplicitVRLittleEndian)

Proposal = tuple[str, str | Sequence[str]]


@dataclass
class Peer:
    """One association as requestor, and the PDUs that came back."""

    association: Association = field(init=False)
    ends: list[str] = field(default_factory=list)

    @property
    def end(self) -> str:
        """How the acceptor ended it: ``RJ r/s/r``, ``ABORT s/r``, or nothing."""
        return self.ends[-1] if self.ends else ""

    @property
    def results(self) -> list[int]:
        """Presentation-context results in the order of the proposals."""
        contexts = [*self.association.accepted_contexts, *self.association.rejected_contexts]
        ordered = sorted(contexts, key=lambda context: context.context_id or 0)
        return [int(context.result or 0) for context in ordered]

    @property
    def syntaxes(self) -> list[str]:
        """Transfer syntaxes of the accepted contexts."""
        return [str(each.transfer_syntax[0]) for each in self.association.accepted_contexts]

    def note(self, event: Any) -> None:
        kind = type(event.pdu).__name__
        if kind == "A_ASSOCIATE_RJ":
            pdu = event.pdu
            self.ends.append(f"RJ {pdu.result}/{pdu.source}/{pdu.reason_diagnostic}")
        elif kind == "A_ABORT_RQ":
            self.ends.append(f"ABORT {event.pdu.source}/{event.pdu.reason_diagnostic}")


@contextmanager
def associated(
    port: int,
    proposals: Sequence[Proposal],
    *,
    calling: str = "CT",
    called: str = "ARCHIVE",
    roles: Sequence[str] = (),
    relational: Sequence[str] = (),
    on_store: Callable[[Any], int] = lambda _: 0x0000,
) -> Iterator[Peer]:
    """A peer with an association to the archive at ``port``, which may have been refused."""
    peer = Peer()
    entity = AE(calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
    negotiation: list[Any] = [build_role(UID(uid), scp_role=True) for uid in roles]
    for uid in relational:
        item = SOPClassExtendedNegotiation()
        item.sop_class_uid = UID(uid)
        item.service_class_application_information = b"\x01"
        negotiation.append(item)
    peer.association = entity.associate(
        LOOPBACK,
        port,
        contexts=[
            build_context(uid, [syntaxes] if isinstance(syntaxes, str) else list(syntaxes))
            for uid, syntaxes in proposals
        ],
        ae_title=called,
        ext_neg=negotiation,
        evt_handlers=[
            (evt.EVT_CONN_OPEN, _no_delay),
            (evt.EVT_PDU_RECV, peer.note),
            (evt.EVT_C_STORE, on_store),
        ],
    )
    peer.association._reactor_checkpoint = _Checkpoint(peer.association)
    try:
        yield peer
    finally:
        if peer.association.is_established:
            peer.association.release()


class _Checkpoint(Event):
    """Where pynetdicom's reactor stops while somebody else waits for a response.

    Its own tells that the reactor stands still when it may just have been let go, so that on a
    busy machine the reactor takes the response and throws it away. This one is closed only when
    the reactor has come to it once more.
    """

    def __init__(self, reactor: Association) -> None:
        super().__init__()
        self._reactor = reactor
        self._arrivals = 0
        self._arrived = Condition()
        self.set()

    def wait(self, timeout: float | None = None) -> bool:
        with self._arrived:
            self._arrivals += 1
            self._arrived.notify_all()
        return super().wait(timeout)

    def clear(self) -> None:
        with self._arrived:
            before = self._arrivals
            super().clear()
            while self._arrivals == before and self._is_at_work():
                self._arrived.wait(0.1)

    def _is_at_work(self) -> bool:
        return self._reactor.is_alive() and self._reactor is not current_thread()


def _no_delay(event: Any) -> None:
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def announce_pdu_length(peer: Peer, length: int) -> None:
    """Make the peer believe that the acceptor takes PDUs of this length."""
    primitive: Any = peer.association.acceptor.primitive
    for item in primitive.user_information:
        if isinstance(item, MaximumLengthNotification):
            item.maximum_length_received = length


def send_raw(peer: Peer, data: bytes) -> None:
    """Send bytes that pynetdicom itself would not send."""
    transport: Any = peer.association.dul.socket
    transport.socket.sendall(data)


def image(number: int = 1, **changes: Any) -> Dataset:
    """A small CT image; ``changes`` sets attributes by keyword, None removes one."""
    dataset = dcmread(str(get_testdata_file("CT_small.dcm")))
    for tag in [
        tag for tag in list(dataset.keys()) if tag.group not in (0x08, 0x10, 0x20, 0x28, 0x7FE0)
    ]:
        del dataset[tag]
    dataset.PatientID, dataset.PatientName = "P1", "PHANTOM^ADA"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "2.25.1", "2.25.1.1"
    dataset.SOPInstanceUID, dataset.InstanceNumber = f"2.25.1.1.{number}", str(number)
    dataset.StudyDate, dataset.AccessionNumber = "20260105", "A1"
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def store(port: int, *datasets: Dataset, calling: str = "CT", called: str = "ARCHIVE") -> list[int]:
    """C-STORE datasets on one association; their statuses."""
    proposals = sorted({(str(each.SOPClassUID), EXPLICIT) for each in datasets})
    with associated(port, proposals, calling=calling, called=called) as peer:
        return [int(peer.association.send_c_store(each).get("Status", -1)) for each in datasets]


def query(**keys: object) -> Dataset:
    """An identifier."""
    identifier = Dataset()
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


@dataclass(frozen=True)
class Answers:
    """Responses to a C-FIND, C-MOVE or C-GET: the final one, and how many came before it."""

    status: int | None
    comment: str
    counters: dict[str, int]
    matches: list[Dataset]
    pending: int
    failed: list[str]
    end: str


def find(port: int, identifier: Dataset, model: str = STUDY_FIND, **options: Any) -> Answers:
    """C-FIND in Implicit VR Little Endian."""
    with associated(port, [(model, IMPLICIT)], **options) as peer:
        return _answers(peer, peer.association.send_c_find(identifier, model))


def move(
    port: int, identifier: Dataset, to: str, model: str = STUDY_MOVE, **options: Any
) -> Answers:
    """C-MOVE in Implicit VR Little Endian."""
    with associated(port, [(model, IMPLICIT)], **options) as peer:
        return _answers(peer, peer.association.send_c_move(identifier, to, model))


def get(
    port: int,
    identifier: Dataset,
    classes: Mapping[str, str],
    model: str = STUDY_GET,
    **options: Any,
) -> Answers:
    """C-GET with a storage context per SOP class and transfer syntax."""
    with associated(port, [(model, IMPLICIT), *classes.items()], **options) as peer:
        return _answers(peer, peer.association.send_c_get(identifier, model))


def _answers(peer: Peer, responses: Iterator[tuple[Dataset, Dataset | None]]) -> Answers:
    seen = list(responses)
    final, last = seen[-1]
    names = ("Remaining", "Completed", "Failed", "Warning")
    counters = {
        name.lower(): int(final[f"NumberOf{name}Suboperations"].value)
        for name in names
        if f"NumberOf{name}Suboperations" in final
    }
    listed = last.get("FailedSOPInstanceUIDList", []) if last is not None else []
    failed = [listed] if isinstance(listed, str) else list(listed)
    matches = [each for status, each in seen if status.get("Status") == 0xFF00 and each is not None]
    if not final and peer.association.is_alive():
        peer.association.join(timeout=10)
    return Answers(
        status=int(final.Status) if "Status" in final else None,
        comment=str(final.get("ErrorComment", "")),
        counters=counters,
        matches=matches,
        pending=sum(status.get("Status") == 0xFF00 for status, _ in seen),
        failed=[str(uid) for uid in failed],
        end=peer.end,
    )


@dataclass
class Destination:
    """A storage SCP that a C-MOVE may send to."""

    port: int
    received: list[Dataset]
    origins: list[tuple[str, str, int]]


@contextmanager
def destination(
    title: str,
    *,
    classes: Sequence[str] = (CT, MR),
    syntaxes: Sequence[str] = (EXPLICIT,),
    status: int | None = 0x0000,
    strict: bool = False,
) -> Iterator[Destination]:
    """Listens as ``title``; answers every C-STORE with ``status``, or without any."""
    entity = AE(title)
    entity.require_called_aet = strict
    for uid in classes:
        entity.add_supported_context(uid, list(syntaxes))
    made = Destination(0, [], [])

    def keep(event: Any) -> int:
        context = UID(event.context.transfer_syntax)
        content = BytesIO(event.request.DataSet.getvalue())
        made.received.append(decode(content, context.is_implicit_VR, context.is_little_endian))
        request = event.request
        made.origins.append(
            (
                event.assoc.requestor.ae_title,
                str(request.MoveOriginatorApplicationEntityTitle or ""),
                int(request.MoveOriginatorMessageID or 0),
            )
        )
        return status or 0x0000

    def without_status(event: Any) -> None:
        if status is None:
            del event.message.command_set.Status

    # AE.start_server polls every half second, which every test would wait for at its end
    server = entity.make_server(
        (LOOPBACK, 0),
        evt_handlers=[
            (evt.EVT_C_STORE, keep),
            (evt.EVT_CONN_OPEN, _no_delay),
            (evt.EVT_DIMSE_SENT, without_status),
        ],
        server_class=ThreadedAssociationServer,
    )
    entity._servers.append(server)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    made.port = server.server_address[1]
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
