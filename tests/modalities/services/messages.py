"""DIMSE messages for scripted peers."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from pynetdicom.dimse_messages import DIMSEMessage
from pynetdicom.pdu import P_DATA_TF

from dicom.association.upper_layer import fragments, release_response
from tests.modalities.peers import Conversation

RELEASE_RESPONSE = release_response()


def read_message(peer: Conversation) -> Any:
    """The next DIMSE message."""
    message = DIMSEMessage()
    while True:
        data = P_DATA_TF()
        data.decode(peer.pdu())
        if message.decode_msg(data.to_primitive()):
            return message.message_to_primitive()


def send_message(
    peer: Conversation, message: DIMSEMessage, context_id: int, dataset: bytes = b""
) -> None:
    """Send a command, and the bytes of a dataset behind it."""
    for primitive in message.encode_msg(context_id, 16384):
        peer.send(P_DATA_TF(primitive).encode())
    if dataset:
        for pdu in fragments(BytesIO(dataset), context_id, 16384, deflated=False):
            peer.send(pdu)
