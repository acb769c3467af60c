"""How a node's own SCP answers what no SCU of ours says (PS3.8 table 9-10)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from pydicom.uid import CTImageStorage, ImplicitVRLittleEndian
from pynetdicom.dimse_messages import C_ECHO_RSP, C_FIND_RQ
from pynetdicom.dimse_primitives import C_ECHO, C_FIND
from pynetdicom.pdu import P_DATA_TF

from dicom.association import upper_layer
from dicom.association.ends import Caller, Target
from dicom.association.negotiation import associate_request
from dicom.dimse.scu import VERIFICATION, message_of
from modalities.nodes.node import ModalityNode
from modalities.services.listen import Listen, Received
from tests.peers import LOOPBACK

PATIENCE = 10.0
PLAIN = associate_request(
    Target(host=LOOPBACK, port=104, called="WS"),
    Caller(calling="CT"),
    {1: (VERIFICATION, (ImplicitVRLittleEndian,)), 3: (CTImageStorage, (ImplicitVRLittleEndian,))},
)
ACCEPTED = upper_layer.ASSOCIATE_AC
RELEASED = upper_layer.release_response()
BY_USER = upper_layer.abort()
BY_PROVIDER = upper_layer.abort(2, 0)


class RawPeer:
    """A requestor that sends bytes."""

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection((LOOPBACK, port), PATIENCE)
        self._reader = self._connection.makefile("rb")

    def says(self, data: bytes) -> bytes:
        """Send ``data``; returns the PDU that answers it, nothing where the node closes."""
        self._connection.sendall(data)
        header = self._reader.read(6)
        return header + self._reader.read(int.from_bytes(header[2:], "big"))

    def close(self) -> None:
        self._reader.close()
        self._connection.close()


@pytest.fixture
def port(node: ModalityNode) -> int:
    return node.run(Listen(aetitle="WS", port=0)).port


@pytest.fixture
def peer(port: int) -> Iterator[RawPeer]:
    raw = RawPeer(port)
    yield raw
    raw.close()


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", BY_USER),
        (upper_layer.release_request(), BY_USER),
        (b"\x01\x00\x00\x00\x00\x05hello", BY_USER),
        (BY_USER, b""),
    ],
    ids=["not DICOM", "a release", "an unreadable request", "an abort"],
)
def test_what_comes_instead_of_a_request_is_aborted(
    peer: RawPeer, data: bytes, answer: bytes
) -> None:
    assert peer.says(data) == answer


def test_another_version_of_the_protocol_is_rejected(peer: RawPeer) -> None:
    assert peer.says(PLAIN[:6] + b"\x00\x02" + PLAIN[8:])[7:] == bytes([1, 2, 2])


@pytest.mark.parametrize(
    "data",
    [PLAIN, upper_layer.release_response(), b"\x55\x00\x00\x00\x00\x01a"],
    ids=["another request", "a release that nobody asked for", "an unknown PDU"],
)
def test_a_pdu_that_is_not_due_is_aborted(peer: RawPeer, data: bytes) -> None:
    assert peer.says(PLAIN)[0] == ACCEPTED
    assert peer.says(data) == BY_PROVIDER


def test_a_response_to_nothing_is_ignored(peer: RawPeer) -> None:
    assert peer.says(PLAIN)[0] == ACCEPTED
    response = C_ECHO()
    response.MessageIDBeingRespondedTo = 3
    response.AffectedSOPClassUID = VERIFICATION
    response.Status = 0
    (data,) = message_of(C_ECHO_RSP(), response).encode_msg(1, 16382)
    assert peer.says(P_DATA_TF(data).encode() + upper_layer.release_request()) == RELEASED


def test_a_request_of_another_service_is_a_failure(peer: RawPeer) -> None:
    assert peer.says(PLAIN)[0] == ACCEPTED
    request = C_FIND()
    request.MessageID, request.Priority = 3, 0
    request.AffectedSOPClassUID = CTImageStorage
    (data,) = message_of(C_FIND_RQ(), request).encode_msg(3, 16382)
    assert b"\x00\x00\x00\x09\x02\x00\x00\x00\x11\xc3" in peer.says(P_DATA_TF(data).encode())


def test_an_eleventh_association_is_too_many(port: int) -> None:
    with ExitStack() as stack:
        peers = [RawPeer(port) for _ in range(11)]
        for each in peers:
            stack.callback(each.close)
        answers = [each.says(PLAIN) for each in peers]
    assert sorted(answer[0] for answer in answers) == [2] * 10 + [3]
    (rejected,) = (answer for answer in answers if answer[0] == upper_layer.ASSOCIATE_RJ)
    assert rejected[7:] == bytes([2, 3, 2])


def test_all_that_passes_is_in_the_trace(peer: RawPeer, node: ModalityNode) -> None:
    peer.says(PLAIN)
    peer.says(upper_layer.release_request())
    (trace,) = node.run(Received()).traces
    kinds = [(pdu.sender, pdu.kind) for pdu in trace.pdus]
    assert kinds == [
        ("requestor", "A-ASSOCIATE-RQ"),
        ("acceptor", "A-ASSOCIATE-AC"),
        ("requestor", "A-RELEASE-RQ"),
        ("acceptor", "A-RELEASE-RP"),
    ]
