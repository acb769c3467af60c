"""How far a traced association got: from its PDUs, from how it ended, and from what is missing."""

from __future__ import annotations

import struct
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.uid import CTImageStorage, ImplicitVRLittleEndian
from pynetdicom.dsutils import encode
from pynetdicom.pdu import A_ABORT_RQ, A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext

from dicom.ladder import Outcome, Rung, Signature
from dicom.tracing.trace import AssociationTrace
from dicom.tracing.tracer import StreamTracer
from orchestrator.evidence.pdu import outcome_of, render

Sender = Literal["requestor", "acceptor"]
Said = tuple[Sender, bytes]
RELEASE: list[Said] = [
    ("requestor", bytes.fromhex("05000000000400000000")),
    ("acceptor", bytes.fromhex("06000000000400000000")),
]


def trace(*said: Said, end: str = "open") -> AssociationTrace:
    tracer = StreamTracer("wire archive-peer", "10.0.0.1:40000", "10.0.0.2:4242")
    for at, (sender, data) in enumerate(said):
        tracer.feed(sender, data, at / 1000)
    tracer.end(end)
    return tracer.trace()


def associate(results: tuple[int, ...] | None = None) -> bytes:
    """An A-ASSOCIATE-RQ with one CT context; with ``results``, the A-ASSOCIATE-AC to it."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.calling_ae_title, primitive.called_ae_title = "ARCHIVE", "PEER"
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = 16384
    implementation.implementation_class_uid = "1.2.3"
    primitive.user_information = [length, implementation]
    contexts = []
    for number, result in enumerate(results or (None,)):
        context = PresentationContext()
        context.context_id = 2 * number + 1
        context.abstract_syntax = CTImageStorage
        context.transfer_syntax = [ImplicitVRLittleEndian]
        if result is not None:
            context.result = result
        contexts.append(context)
    if results is None:
        primitive.presentation_context_definition_list = contexts
        return bytes(A_ASSOCIATE_RQ(primitive).encode())
    primitive.result, primitive.result_source = 0, 1
    primitive.presentation_context_definition_results_list = contexts
    return bytes(A_ASSOCIATE_AC(primitive).encode())


def reject(result: int, source: int, reason: int) -> Said:
    pdu = A_ASSOCIATE_RJ()
    pdu.result, pdu.source, pdu.reason_diagnostic = result, source, reason
    return "acceptor", bytes(pdu.encode())


def abort(sender: Sender, source: int, reason: int) -> Said:
    pdu = A_ABORT_RQ()
    pdu.source, pdu.reason_diagnostic = source, reason
    return sender, bytes(pdu.encode())


def command(field: int, message: int, status: int | None = None) -> bytes:
    """A P-DATA-TF with a command set."""
    dataset = Dataset()
    dataset.AffectedSOPClassUID = CTImageStorage
    dataset.CommandField = field
    if status is None:
        dataset.MessageID = message
        dataset.CommandDataSetType = 1
    else:
        dataset.MessageIDBeingRespondedTo = message
        dataset.CommandDataSetType = 0x0101
        dataset.Status = status
    encoded = encode(dataset, True, True)
    assert encoded is not None
    body = struct.pack(">LBB", len(encoded) + 2, 1, 3) + encoded
    return struct.pack(">BxL", 4, len(body)) + body


REQUEST: Said = ("requestor", associate())
ACCEPT: Said = ("acceptor", associate((0,)))


def store(message: int) -> Said:
    return "requestor", command(0x0001, message)


def stored(message: int, status: int = 0) -> Said:
    return "acceptor", command(0x8001, message, status)


def records(content: int, length: int) -> bytes:
    return struct.pack(">BBBH", content, 3, 3, length) + bytes(length)


HELLO: Said = ("requestor", struct.pack(">BBBH", 22, 3, 1, 4) + b"\x01\x00\x00\x00")
SERVER_HELLO: Said = ("acceptor", struct.pack(">BBBH", 22, 3, 3, 4) + b"\x02\x00\x00\x00")


def alert(sender: Sender, number: int) -> Said:
    return sender, struct.pack(">BBBHBB", 21, 3, 3, 2, 2, number)


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (trace(end="refused"), "connect: refused"),
        (trace(end="unreachable"), "connect: unreachable"),
        (trace(end="timeout"), "connect: timeout"),
        (trace(end="closed by acceptor"), "associate: closed"),
        (trace(REQUEST, reject(1, 1, 7), end="closed by acceptor"), "associate: rejected 1/1/7"),
        (trace(REQUEST, reject(2, 3, 2), end="reset"), "associate: rejected 2/3/2"),
        (trace(REQUEST, abort("acceptor", 2, 1)), "associate: aborted 2/1"),
        (trace(REQUEST, end="closed by acceptor"), "associate: closed"),
        (trace(REQUEST, end="reset"), "associate: reset"),
        (trace(REQUEST, end="closed by requestor"), "associate: timeout"),
        (trace(REQUEST, abort("requestor", 0, 0)), "associate: timeout"),
        (trace(REQUEST, ("acceptor", b"HTTP/1.1 400 Bad Request\r\n")), "associate: not-dicom"),
        (trace(REQUEST, alert("acceptor", 40)), "associate: not-dicom"),
        (trace(REQUEST, ("acceptor", associate((3,))), *RELEASE), "negotiate: context 3"),
        (
            trace(REQUEST, ("acceptor", associate((4,))), abort("requestor", 0, 0)),
            "negotiate: context 4",
        ),
        (
            trace(REQUEST, ("acceptor", associate((3, 0))), store(1), stored(1), *RELEASE),
            "dimse ok",
        ),
        (trace(REQUEST, ACCEPT, end="closed by acceptor"), "dimse: closed"),
        (trace(REQUEST, ACCEPT, *RELEASE), "negotiate ok"),
        (trace(REQUEST, ACCEPT, store(1), stored(1), *RELEASE), "dimse ok"),
        (trace(REQUEST, ACCEPT, store(1), stored(1, 0xB000), *RELEASE), "dimse ok"),
        (trace(REQUEST, ACCEPT, store(1), stored(1, 0xA700), *RELEASE), "dimse: status 0xA700"),
        (
            trace(REQUEST, ACCEPT, store(1), stored(1, 0x0122), store(2), stored(2), *RELEASE),
            "dimse: status 0x0122",
        ),
        (trace(REQUEST, ACCEPT, store(1), abort("acceptor", 0, 0)), "dimse: aborted 0/0"),
        (trace(REQUEST, ACCEPT, store(1), abort("requestor", 0, 0)), "dimse: timeout"),
        (trace(REQUEST, ACCEPT, store(1), end="reset"), "dimse: reset"),
        (trace(REQUEST, ACCEPT, store(1), end="closed by acceptor"), "dimse: closed"),
        (
            trace(REQUEST, ACCEPT, store(1), stored(1), store(1), end="closed by requestor"),
            "dimse: timeout",
        ),
        (
            trace(REQUEST, ACCEPT, store(1), stored(1), end="closed by requestor"),
            "dimse ok",
        ),
        (trace(HELLO, end="reset"), "tls: reset"),
        (trace(HELLO, end="closed by acceptor"), "tls: closed"),
        (trace(HELLO, end="timeout"), "tls: timeout"),
        (trace(HELLO, abort("acceptor", 2, 1)), "tls: not-tls"),
        (trace(HELLO, SERVER_HELLO, alert("acceptor", 48)), "tls: alert unknown_ca"),
        (trace(HELLO, SERVER_HELLO, alert("requestor", 48)), "tls: certificate untrusted-issuer"),
        (trace(HELLO, SERVER_HELLO, alert("requestor", 45)), "tls: certificate expired"),
        (
            trace(
                HELLO,
                SERVER_HELLO,
                ("acceptor", records(23, 1200)),
                ("requestor", records(23, 19)),
                end="closed by requestor",
            ),
            "tls: closed",
        ),
        (
            trace(
                HELLO,
                SERVER_HELLO,
                ("acceptor", records(23, 1200)),
                ("requestor", records(23, 53)),
                ("requestor", records(23, 300)),
                ("acceptor", records(23, 300)),
                end="closed by requestor",
            ),
            "tls ok",
        ),
    ],
)
def test_the_outcome_is_read_off_the_wire(seen: AssociationTrace, outcome: str) -> None:
    assert str(outcome_of(seen)) == outcome


def test_a_long_study_is_judged_by_its_last_request() -> None:
    said: list[Said] = [REQUEST, ACCEPT]
    for number in range(1, 400):
        said += [store(number), stored(number)]
    assert outcome_of(trace(*said, *RELEASE)) == Outcome.at(Rung.DIMSE)
    cut = outcome_of(trace(*said, store(400), end="reset"))
    assert cut == Outcome.at(Rung.DIMSE, Signature(kind="reset"))


@given(
    st.lists(st.tuples(st.sampled_from(["requestor", "acceptor"]), st.binary(max_size=60))),
    st.sampled_from(
        ["released", "reset", "refused", "timeout", "open", "unreachable", "closed by acceptor"]
    ),
)
def test_whatever_was_on_the_wire_gives_a_valid_outcome_and_can_be_rendered(
    said: list[Said], end: str
) -> None:
    seen = trace(*said, end=end)
    assert outcome_of(seen).rung is not Rung.DELIVERED
    assert render(seen).startswith("observer   wire archive-peer\n")


@given(st.data())
def test_cutting_a_successful_exchange_short_never_makes_it_look_finished(
    data: st.DataObject,
) -> None:
    said = [REQUEST, ACCEPT, store(1), stored(1)]
    whole = sum(len(pdu) for _, pdu in said)
    left = data.draw(st.integers(0, whole - 1))
    kept: list[Said] = []
    for sender, pdu in said:
        kept.append((sender, pdu[:left]))
        left -= min(left, len(pdu))
    assert outcome_of(trace(*kept, end="reset")).signature == Signature(kind="reset")


def test_a_trace_reads_as_text() -> None:
    text = render(trace(REQUEST, reject(1, 1, 7), end="closed by acceptor"))
    assert "requestor  10.0.0.1:40000" in text
    assert "outcome    associate: rejected 1/1/7" in text
    assert "→ A-ASSOCIATE-RQ" in text
    assert "called_aetitle: PEER" in text
    assert "1: CT Image Storage [Implicit VR Little Endian" in text
    assert "← A-ASSOCIATE-RJ" in text
    assert "(1/1/7)" in text


def test_a_trace_says_what_it_left_out_and_that_it_saw_ciphertext_only() -> None:
    said = [("requestor", records(23, 100))] * 5
    text = render(trace(HELLO, SERVER_HELLO, *said))  # type: ignore[arg-type]
    assert "encrypted: only TLS records are visible" in text
    assert "(4 further PDUs have no line of their own)" in text
