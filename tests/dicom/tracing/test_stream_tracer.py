"""One connection's bytes, however they are cut, give one trace; garbage gives an honest one."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom.dimse_messages import C_STORE_RQ, C_STORE_RSP
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RQ, P_DATA_TF
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    ImplementationClassUIDNotification,
    MaximumLengthNotification,
)
from pynetdicom.presentation import PresentationContext, build_context

from dicom.tracing.trace import AssociationTrace
from dicom.tracing.tracer import StreamTracer

Chunk = tuple[Literal["requestor", "acceptor"], bytes]
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
RELEASE_RQ = bytes.fromhex("0500 0000 0004 0000 0000")
RELEASE_RP = bytes.fromhex("0600 0000 0004 0000 0000")


def association(results: tuple[int, ...]) -> tuple[bytes, bytes]:
    """A-ASSOCIATE-RQ and -AC with one context per result."""
    request, contexts, answers = A_ASSOCIATE(), [], []
    for index, result in enumerate(results):
        context = build_context(CT_IMAGE, ["1.2.840.10008.1.2.1"])
        context.context_id = 2 * index + 1
        contexts.append(context)
        answer = PresentationContext()
        answer.context_id, answer.abstract_syntax = context.context_id, CT_IMAGE
        answer.transfer_syntax, answer.result = ["1.2.840.10008.1.2.1"], result
        answers.append(answer)
    length, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    length.maximum_length_received = 16384
    implementation.implementation_class_uid = "2.25.7"
    for primitive in (request,):
        primitive.application_context_name = "1.2.840.10008.3.1.1.1"
        primitive.calling_ae_title, primitive.called_ae_title = "CT", "ARCHIVE"
        primitive.user_information = [length, implementation]
    request.presentation_context_definition_list = contexts
    accept = A_ASSOCIATE()
    accept.application_context_name = "1.2.840.10008.3.1.1.1"
    accept.calling_ae_title, accept.called_ae_title = "CT", "ARCHIVE"
    accept.result, accept.result_source = 0, 1
    accept.user_information = [length, implementation]
    accept.presentation_context_definition_results_list = answers
    return A_ASSOCIATE_RQ(request).encode(), A_ASSOCIATE_AC(accept).encode()


def fragment(data: bytes, *, last: bool) -> bytes:
    """A P-DATA-TF with one dataset fragment."""
    head = b"\x04\x00" + (len(data) + 6).to_bytes(4, "big") + (len(data) + 2).to_bytes(4, "big")
    return head + bytes([1, 2 if last else 0]) + data


def store_rq(message_id: int, dataset_pdus: int) -> bytes:
    primitive = C_STORE()
    primitive.MessageID, primitive.Priority = message_id, 0
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = CT_IMAGE, "2.25.9"
    message = C_STORE_RQ()
    message.primitive_to_message(primitive)
    message.command_set.CommandDataSetType = 1
    data: bytes = b"".join(P_DATA_TF(each).encode() for each in message.encode_msg(1, 16384))
    for number in range(dataset_pdus):
        data += fragment(bytes(100), last=number == dataset_pdus - 1)
    return data


def store_rsp(message_id: int, status: int, comment: str = "") -> bytes:
    primitive = C_STORE()
    if comment:
        primitive.ErrorComment = comment  # type: ignore[assignment]  # pynetdicom declares None only
    primitive.MessageIDBeingRespondedTo, primitive.Status = message_id, status
    primitive.AffectedSOPClassUID, primitive.AffectedSOPInstanceUID = CT_IMAGE, "2.25.9"
    message = C_STORE_RSP()
    message.primitive_to_message(primitive)
    return b"".join(P_DATA_TF(each).encode() for each in message.encode_msg(1, 16384))


def conversation(statuses: tuple[int, ...] = (0x0000,), dataset_pdus: int = 3) -> list[Chunk]:
    request, accept = association((0, 3, 4))
    chunks: list[Chunk] = [("requestor", request), ("acceptor", accept)]
    for number, status in enumerate(statuses, start=1):
        chunks.append(("requestor", store_rq(number, dataset_pdus)))
        chunks.append(("acceptor", store_rsp(number, status)))
    return [*chunks, ("requestor", RELEASE_RQ), ("acceptor", RELEASE_RP)]


def traced(chunks: list[Chunk], end: str = "closed by requestor") -> AssociationTrace:
    tracer = StreamTracer("wire", "ct", "archive", opened_at=0.0)
    for sender, data in chunks:
        tracer.feed(sender, data, 0.0)
    tracer.end(end)
    return tracer.trace()


def test_a_store_reads_as_the_standard_tells_it() -> None:
    trace = traced(conversation())
    assert [pdu.kind for pdu in trace.pdus] == [
        "A-ASSOCIATE-RQ",
        "A-ASSOCIATE-AC",
        "P-DATA-TF C-STORE-RQ",
        "P-DATA-TF",
        "P-DATA-TF C-STORE-RSP",
        "A-RELEASE-RQ",
        "A-RELEASE-RP",
    ]
    request, accept, command, dataset, response, *_ = trace.pdus
    assert (request.fields["calling_aetitle"], request.fields["called_aetitle"]) == (
        "CT",
        "ARCHIVE",
    )
    assert accept.fields["results"] == ["1=0", "3=3", "5=4"]
    assert accept.summary == "accepts 1 of 3 contexts"
    assert command.fields["sop_instance_uid"] == "2.25.9"
    assert dataset.fields == {"pdus": 3, "dataset_bytes": 300, "complete": "yes"}
    assert response.fields["status"] == "0x0000"
    assert trace.end == "released"
    assert trace.omitted == 2
    assert not trace.encrypted


@settings(deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_how_the_stream_is_cut_does_not_matter(sizes: list[int]) -> None:
    chunks = conversation((0x0000, 0xA700), dataset_pdus=2)
    pieces: list[Chunk] = []
    cut = itertools.cycle(sizes)
    for sender, content in chunks:
        rest = content
        while rest:
            size = next(cut)
            pieces.append((sender, rest[:size]))
            rest = rest[size:]
    assert traced(pieces) == traced(chunks)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["requestor", "acceptor"]), st.binary(max_size=80))))
def test_any_garbage_gives_a_trace_that_accounts_for_every_byte(chunks: list[Chunk]) -> None:
    trace = traced(chunks)
    sent = sum(len(data) for _, data in chunks)
    assert sum(pdu.length for pdu in trace.pdus) == sent


def test_a_dataset_whose_last_fragment_is_empty_is_complete() -> None:
    data = fragment(bytes(100), last=False) + fragment(b"", last=True)
    *_, dataset = traced([("requestor", store_rq(1, 0) + data)]).pdus
    assert dataset.fields == {"pdus": 2, "dataset_bytes": 100, "complete": "yes"}
    assert dataset.summary == "dataset of C-STORE-RQ, 100 bytes in 2 PDUs"


def test_an_error_comment_with_a_path_is_told_whole() -> None:
    response = traced([("acceptor", store_rsp(1, 0xA700, r"no space on D:\images"))]).pdus[0]
    assert response.fields["error_comment"] == r"no space on D:\images"


def test_every_pdu_of_a_long_study_has_an_entry_or_is_counted_once() -> None:
    trace = traced(conversation((0x0000,) * 300, dataset_pdus=5))
    entries = len(trace.pdus) + trace.omitted
    assert entries == 2 + 300 * (1 + 5 + 1) + 2


def test_a_long_study_stays_short_and_keeps_what_went_wrong() -> None:
    statuses = tuple(0xA700 if number == 150 else 0x0000 for number in range(300))
    trace = traced(conversation(statuses))
    assert len(trace.pdus) <= 201
    assert trace.omitted > 0
    assert "0xA700" in [pdu.fields.get("status") for pdu in trace.pdus]
    assert trace.pdus[0].kind == "A-ASSOCIATE-RQ"
    assert trace.pdus[-1].kind == "A-RELEASE-RP"


@pytest.mark.parametrize(
    ("pdu", "kind", "fields", "end"),
    [
        ("0300 0000 0004 0001 0107", "A-ASSOCIATE-RJ", (1, 1, 7), "rejected"),
        ("0300 0000 0004 0002 0302", "A-ASSOCIATE-RJ", (2, 3, 2), "rejected"),
        ("0700 0000 0004 0000 0206", "A-ABORT", (2, 6), "aborted"),
        ("0700 0000 0004 0000 0000", "A-ABORT", (0, 0), "aborted"),
    ],
)
def test_codes_of_refusals_are_kept_as_numbers(
    pdu: str, kind: str, fields: tuple[int, ...], end: str
) -> None:
    (seen,) = traced([("acceptor", bytes.fromhex(pdu))]).pdus
    assert seen.kind == kind
    assert tuple(seen.fields.values()) == fields
    assert f"({'/'.join(map(str, fields))})" in seen.summary
    assert traced([("acceptor", bytes.fromhex(pdu))]).end == end


def test_a_pdu_that_never_ends_is_shown_as_far_as_it_came() -> None:
    request, _ = association((0,))
    trace = traced([("requestor", request[:50])], "reset")
    (seen,) = trace.pdus
    assert seen.kind == "incomplete A-ASSOCIATE-RQ"
    assert seen.fields == {"received": 50, "announced": len(request)}
    assert trace.end == "reset"


def test_tls_is_told_from_dicom_and_its_plain_alerts_are_named() -> None:
    hello = bytes.fromhex("16 0301 0004 01 00 00 00")
    alert = bytes.fromhex("15 0303 0002 02 30")
    trace = traced([("requestor", hello), ("acceptor", alert)], "closed by acceptor")
    assert trace.encrypted
    assert [(pdu.kind, pdu.summary) for pdu in trace.pdus] == [
        ("TLS handshake", "client_hello"),
        ("TLS alert", "fatal: unknown_ca"),
    ]


def test_encrypted_records_are_counted_and_not_kept() -> None:
    hello = bytes.fromhex("16 0301 0004 01 00 00 00")
    record = bytes.fromhex("17 0303 0010") + bytes(16)
    trace = traced([("requestor", hello), ("requestor", record * 1000)])
    assert [pdu.kind for pdu in trace.pdus] == ["TLS handshake", "TLS application_data"]
    assert trace.pdus[1].fields == {"records": 1000}
    assert trace.omitted == 999


def test_an_observer_who_gave_up_waiting_has_the_last_word() -> None:
    tracer = StreamTracer("ct", "ct", "archive")
    tracer.end("timeout")
    tracer.feed("requestor", bytes.fromhex("0700 0000 0004 0000 0000"))
    assert tracer.trace().end == "timeout"
