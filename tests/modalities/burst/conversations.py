"""What a scripted storage SCP says to a burst."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pynetdicom.dimse_messages import C_STORE_RSP, DIMSEMessage
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu import P_DATA_TF

from modalities.burst.objects import StorageObject, Stream
from tests.modalities.peers import Conversation

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
RELEASE_RESPONSE = bytes.fromhex("0600 0000 0004 0000 0000")
RELEASE_REQUEST = bytes.fromhex("0500 0000 0004 0000 0000")


def abort(source: int, reason: int) -> bytes:
    return bytes([7, 0, 0, 0, 0, 4, 0, 0, source, reason])


def objects(count: int, size: int = 1000, syntax: str = EXPLICIT) -> list[StorageObject]:
    """Objects whose datasets are recognisable bytes; a scripted peer does not parse them."""
    return [
        StorageObject(
            f"object {number}", CT, f"2.25.{number}", syntax, bytes([number % 256]) * size
        )
        for number in range(1, count + 1)
    ]


def stream(items: Sequence[StorageObject]) -> Stream:
    contexts = tuple(dict.fromkeys(item.context for item in items))
    return Stream(items, contexts, len(items))


def response(
    message_id: int, status: int = 0x0000, comment: str = "", context_id: int = 1
) -> bytes:
    """A whole C-STORE-RSP as pynetdicom writes it."""
    answer = C_STORE()
    answer.MessageIDBeingRespondedTo = message_id
    answer.Status = status
    answer.AffectedSOPClassUID, answer.AffectedSOPInstanceUID = CT, "2.25.1"
    if comment:
        answer.ErrorComment = comment  # type: ignore[assignment]  # pynetdicom declares None only
    message = C_STORE_RSP()
    message.primitive_to_message(answer)
    encoded = (P_DATA_TF(each).encode() for each in message.encode_msg(context_id, 16384))
    return b"".join(encoded)


@dataclass
class Received:
    """What a scripted SCP was sent."""

    message_ids: list[int] = field(default_factory=list)
    datasets: list[bytes] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)


def read_message(peer: Conversation, received: Received) -> int | None:
    """The message ID of the next C-STORE-RQ, by pynetdicom's decoder; None if it is none."""
    message = DIMSEMessage()
    while True:
        pdu = peer.pdu()
        if not pdu or pdu[0] != 0x04:
            return None
        received.lengths.append(len(pdu) - 6)
        data = P_DATA_TF()
        data.decode(pdu)
        if message.decode_msg(data.to_primitive()):
            break
    request = message.message_to_primitive()
    assert isinstance(request, C_STORE)
    assert request.MessageID is not None
    assert request.DataSet is not None
    received.message_ids.append(request.MessageID)
    received.datasets.append(request.DataSet.getvalue())
    return request.MessageID


def take_all(
    peer: Conversation,
    received: Received,
    statuses: Iterable[tuple[int, str]] = (),
    max_pdu: int = 16384,
) -> None:
    """Accept everything, answer with ``statuses`` and then with success, and release."""
    peer.accept(max_pdu=max_pdu)
    planned = iter(statuses)
    while (message_id := read_message(peer, received)) is not None:
        status, comment = next(planned, (0x0000, ""))
        peer.send(response(message_id, status, comment))
    peer.send(RELEASE_RESPONSE)
