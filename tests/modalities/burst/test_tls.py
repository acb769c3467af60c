"""A burst over TLS: the same bytes inside, and the same ears for a peer that gives up."""

from __future__ import annotations

import contextlib
import socket
import ssl
from io import BytesIO
from pathlib import Path
from threading import Event

import pytest
from pynetdicom.pdu import P_DATA_TF

from dicom.association.ends import Caller, Target
from dicom.association.tls import client_context, server_context
from dicom.dimse.scu import store_request
from modalities.burst.objects import StorageObject
from modalities.burst.report import AssociationReport
from modalities.burst.sender import BurstSender
from orchestrator.lab.certificates import CertificateStore
from tests.modalities.burst.conftest import tls_of
from tests.modalities.burst.conversations import (
    RELEASE_RESPONSE,
    abort,
    objects,
    response,
    stream,
)
from tests.modalities.peers import Conversation, Script, ScriptedPeers, impatient

MEGABYTE = 1 << 20


@pytest.fixture(params=["TLSv1.2", "TLSv1.3"])
def contexts(
    request: pytest.FixtureRequest, certificates: CertificateStore, tmp_path: Path
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Ours and the peer's."""
    tls = tls_of(certificates).model_copy(update={"maximum_version": request.param})
    return client_context(tls, tmp_path), server_context(tls, tmp_path)


def encrypted(context: ssl.SSLContext, script: Script) -> Script:
    def over_tls(peer: Conversation) -> None:
        with context.wrap_socket(peer.connection, server_side=True) as connection:
            script(Conversation(connection))

    return over_tls


def send(
    target: Target, caller: Caller, items: list[StorageObject], tls: ssl.SSLContext
) -> AssociationReport:
    return BurstSender(target, caller, stream(items), tls, eager=0.0005).run()


def test_inside_are_the_bytes_that_pynetdicom_would_write_however_slowly_they_are_read(
    peers: ScriptedPeers, caller: Caller, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    ours, theirs = contexts
    (item,) = objects(1, 20 * MEGABYTE)
    message = store_request(1, item.sop_class_uid, item.sop_instance_uid)
    assert isinstance(item.source, bytes)
    message.data_set = BytesIO(item.source)
    expected = b"".join(P_DATA_TF(each).encode() for each in message.encode_msg(1, 16384))
    same: list[bool] = []

    def script(peer: Conversation) -> None:
        peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        peer.accept()
        seen = b""
        while len(seen) < len(expected):
            seen += peer.exactly(min(4 * MEGABYTE, len(expected) - len(seen)))
            Event().wait(0.02)
        same.append(seen == expected)
        peer.send(response(1))
        peer.pdu()
        peer.send(RELEASE_RESPONSE)

    target = peers.play(encrypted(theirs, script))
    assert send(target, caller, [item], ours).outcomes == {"0x0000": 1}
    assert same == [True]


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (lambda peer: peer.send(abort(2, 6)), "aborted 2/6"),
        (lambda peer: peer.send(response(1, 0xA700) + abort(0, 0)), "status 0xA700"),
        (lambda peer: peer.connection.unwrap(), "closed"),
    ],
    ids=["abort", "status and abort", "close notify"],
)
def test_a_peer_that_gives_up_and_reads_no_more_is_heard(
    peers: ScriptedPeers,
    caller: Caller,
    contexts: tuple[ssl.SSLContext, ssl.SSLContext],
    last: Script,
    expected: str,
) -> None:
    ours, theirs = contexts
    done = Event()

    def script(peer: Conversation) -> None:
        peer.accept()
        peer.pdu()
        peer.pdu()
        peer.connection.settimeout(0.1)
        with contextlib.suppress(OSError):  # unwrap waits for our close notify, in vain
            last(peer)
        done.wait(caller.timeouts.network + 5)

    target = peers.play(encrypted(theirs, script))
    report = send(target, caller, objects(2, 40 * MEGABYTE), ours)
    done.set()
    assert str(report.failures[0].outcome.signature) == expected
    assert sum(report.outcomes.values()) == 2


def test_a_peer_that_stops_reading_times_out(
    peers: ScriptedPeers, caller: Caller, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    ours, theirs = contexts
    hasty = impatient(caller, network=0.3)
    done = Event()

    def script(peer: Conversation) -> None:
        peer.accept()
        done.wait(10)

    target = peers.play(encrypted(theirs, script))
    report = send(target, hasty, objects(1, 40 * MEGABYTE), ours)
    done.set()
    assert str(report.outcome) == "dimse: timeout"
    assert report.comment == "the peer took no more data for 0.3 s"
