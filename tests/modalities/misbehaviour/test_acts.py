"""What each act sends instead of two stores and a release, PDU by PDU."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from io import BytesIO
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynetdicom.pdu import P_DATA_TF

from dicom.association import upper_layer
from dicom.association.upper_layer import (
    ABORT,
    ASSOCIATE_RQ,
    P_DATA,
    RELEASE_RP,
    RELEASE_RQ,
    fragments,
)
from dicom.dimse.scu import store_request
from modalities.misbehaviour.act import HangUp, Pause, Silence, Step, parse_act
from modalities.misbehaviour.pdus import (
    MESSAGE_ID,
    Pdv,
    command_value,
    p_data,
    pdvs,
    with_command_value,
)
from tests.modalities.misbehaviour import examples

CT = "1.2.840.10008.5.1.4.1.1.2"
PEER_MAX = 16384
#: What stands for an A-ASSOCIATE-RQ: its header is all that scripts look at.
REQUEST = struct.pack(">BBL", ASSOCIATE_RQ, 0, 200) + bytes(200)
DATASETS = (bytes(range(256)) * 140, b"second" * 200)


def store_pdus(number: int, dataset: bytes) -> list[bytes]:
    command = store_request(number, CT, f"2.25.{number}").encode_msg(1, PEER_MAX)
    data = fragments(BytesIO(dataset), 1, PEER_MAX, deflated=False)
    return [*(P_DATA_TF(each).encode() for each in command), *data]


def conversation() -> list[bytes]:
    stores = (store_pdus(number, data) for number, data in enumerate(DATASETS, start=1))
    return [REQUEST, *chain(*stores), upper_layer.release_request()]


def played(text: str, pdus: Iterable[bytes] | None = None) -> tuple[list[Step], bool]:
    """The steps of an act on a conversation, and whether it came about."""
    script = parse_act(text).script()
    given = conversation() if pdus is None else pdus
    steps = [step for pdu in given for step in script.outgoing(pdu, PEER_MAX)]
    return steps, script.happened


def sent(text: str) -> bytes:
    steps, happened = played(text)
    assert happened
    return b"".join(step for step in steps if isinstance(step, bytes))


def sent_pdus(text: str) -> list[bytes]:
    """What went out, cut into PDUs by their own lengths."""
    data, pdus = sent(text), []
    while data:
        size = 6 + int.from_bytes(data[2:6], "big")
        pdus.append(data[:size])
        data = data[size:]
    return pdus


def items(pdus: Iterable[bytes]) -> list[Pdv]:
    return [item for pdu in pdus for item in pdvs(pdu)]


def dataset_of(pdus: Iterable[bytes]) -> bytes:
    return b"".join(item.data for item in items(pdus) if not item.is_command)


USUAL = b"".join(conversation())


@pytest.mark.parametrize("text", examples.ACTS)
def test_every_act_comes_about_in_a_store_of_two_images(text: str) -> None:
    steps, happened = played(text)
    assert happened
    changed = [step for step in steps if not isinstance(step, bytes)]
    assert changed or sent(text) != USUAL or text.startswith("held-connections")


@pytest.mark.parametrize("text", examples.ACTS)
def test_an_act_is_the_same_every_time(text: str) -> None:
    assert played(text) == played(text)


@pytest.mark.parametrize("text", ["stall 1000000", "abort 1000000", "hang-up 1000000"])
def test_an_act_whose_turn_never_came_says_so(text: str) -> None:
    assert played(text) == (conversation(), False)


def test_one_request_is_too_few_to_share_a_message_id() -> None:
    assert not played("same-message-id", [REQUEST, *store_pdus(1, DATASETS[0])])[1]


def test_oversized_pdus_carry_the_same_data_in_longer_pieces() -> None:
    pdus = sent_pdus("oversized-pdu 32768")
    lengths = [len(pdu) - 6 for pdu in pdus if pdu[0] == P_DATA and not items([pdu])[0].is_command]
    assert lengths[0] == 32768 > PEER_MAX
    assert dataset_of(pdus) == b"".join(DATASETS)
    ends = [item.is_last for item in items(pdus) if not item.is_command]
    assert ends == [False, True, True]


def test_no_pdu_is_too_long_for_a_peer_without_a_maximum() -> None:
    script = parse_act("oversized-pdu").script()
    assert [step for pdu in conversation() for step in script.outgoing(pdu, 0)]
    assert not script.happened


@pytest.mark.parametrize(("text", "at"), [("pdv-length by=10", 6), ("pdu-length by=10", 2)])
def test_a_length_that_is_off_is_all_that_changes(text: str, at: int) -> None:
    first = len(REQUEST) + at
    (true,) = struct.unpack_from(">L", USUAL, first)
    data = sent(text)
    assert struct.unpack_from(">L", data, first) == (true + 10,)
    assert data[:first] + data[first + 4 :] == USUAL[:first] + USUAL[first + 4 :]


def test_half_a_request_and_then_silence() -> None:
    steps, _ = played("half-request seconds=3", [REQUEST])
    assert steps == [REQUEST[: len(REQUEST) // 2], Silence(3.0)]


@pytest.mark.parametrize("how", ["close", "reset"])
def test_half_a_request_and_then_nobody_there(how: str) -> None:
    steps, _ = played(f"half-request {how}", [REQUEST])
    assert steps[1] == (HangUp("close") if how == "close" else HangUp("reset"))


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("garbage bytes=9", 0),
        ("garbage data bytes=9", len(REQUEST)),
        ("garbage release bytes=9", -1),
    ],
)
def test_garbage_is_nine_bytes_in_its_place(text: str, before: int) -> None:
    data = sent(text)
    at = len(USUAL) if before < 0 else before
    assert data[:at] + data[at + 9 :] == USUAL
    assert data[at] not in range(1, 8)


def test_an_unknown_pdu_is_well_formed() -> None:
    strange = sent_pdus("unknown-pdu type=170 bytes=5")[1]
    assert strange[:6] == b"\xaa\x00\x00\x00\x00\x05"


def test_data_come_before_the_association() -> None:
    types = [pdu[0] for pdu in sent_pdus("data-before-association")]
    assert types[:2] == [P_DATA, ASSOCIATE_RQ]


def test_a_release_is_answered_before_anybody_asked() -> None:
    assert [pdu[0] for pdu in sent_pdus("release-collision")[-2:]] == [RELEASE_RQ, RELEASE_RP]


def test_no_release_is_the_end_of_the_connection() -> None:
    steps, _ = played("no-release")
    assert steps == [*conversation()[:-1], HangUp("close")]


@given(after=st.integers(0, len(USUAL) - 1))
def test_a_stall_loses_no_byte_wherever_it_is(after: int) -> None:
    steps, happened = played(f"stall {after} seconds=1")
    assert happened
    at = steps.index(Pause(1.0))
    sent_before = b"".join(step for step in steps[:at] if isinstance(step, bytes))
    sent_after = b"".join(step for step in steps[at + 1 :] if isinstance(step, bytes))
    assert (sent_before, sent_after) == (USUAL[:after], USUAL[after:])


@given(after=st.integers(0, len(USUAL) - 1))
def test_a_hang_up_happens_at_its_byte(after: int) -> None:
    script = parse_act(f"hang-up {after}").script()
    steps: list[Step] = []
    for pdu in conversation():
        if not script.happened:
            steps += script.outgoing(pdu, PEER_MAX)
    assert steps[-1] == HangUp("reset")
    assert b"".join(step for step in steps if isinstance(step, bytes)) == USUAL[:after]


@pytest.mark.parametrize(
    ("text", "source_and_reason"), [("abort 300", (0, 0)), ("abort 300 provider 2", (2, 2))]
)
def test_an_abort_stands_between_two_pdus(text: str, source_and_reason: tuple[int, int]) -> None:
    script = parse_act(text).script()
    steps: list[Step] = []
    for pdu in conversation():
        if not script.happened:
            steps += script.outgoing(pdu, PEER_MAX)
    *whole, abort, silence = steps
    assert whole == conversation()[: len(whole)]
    assert isinstance(abort, bytes)
    assert (abort[0], abort[8], abort[9]) == (ABORT, *source_and_reason)
    assert silence == Silence(0.0)


@pytest.mark.parametrize(("of", "commands"), [("message", 253), ("dataset", 1)])
def test_a_context_that_nobody_negotiated(of: str, commands: int) -> None:
    seen = items(sent_pdus(f"wrong-context of={of}"))
    assert {item.context_id for item in seen if item.is_command} == {commands}
    assert {item.context_id for item in seen if not item.is_command} == {253}


def test_a_command_without_its_dataset_and_a_dataset_without_its_command() -> None:
    assert dataset_of(sent_pdus("command-only")) == b""
    assert len(items(sent_pdus("command-only"))) == 2
    pdus = sent_pdus("dataset-only")
    assert not any(item.is_command for item in items(pdus))
    assert dataset_of(pdus) == b"".join(DATASETS)


def test_fragments_in_the_wrong_order_are_all_there() -> None:
    seen = items(sent_pdus("interleave"))
    assert [(item.is_command, item.is_last) for item in seen[:3]] == [
        (True, False),
        (False, False),
        (True, True),
    ]
    command = seen[0].data + seen[2].data
    assert command == items(conversation())[0].data


def test_requests_that_do_not_wait_have_ids_of_their_own() -> None:
    pdus = sent_pdus("pipelined copies=2")
    numbers = [command_value(item.data, MESSAGE_ID) for item in items(pdus) if item.is_command]
    assert numbers == [1, 0x8000, 0x8001, 2]
    assert dataset_of(pdus) == DATASETS[0] * 3 + DATASETS[1]


def test_answers_to_requests_of_the_script_go_nowhere() -> None:
    script = parse_act("pipelined").script()

    def answer(number: int) -> bytes:
        command = struct.pack("<HHLH", 0x0000, 0x0120, 2, number)
        return p_data([Pdv(1, 3, command)])

    assert script.passes(answer(1))
    assert not script.passes(answer(0x8000))
    assert script.passes(upper_layer.release_response())


@pytest.mark.parametrize("cut", [1, 5, 7])
def test_an_answer_that_is_malformed_is_left_to_the_association(cut: int) -> None:
    answer = p_data([Pdv(1, 3, struct.pack("<HHLH", 0x0000, 0x0120, 2, 1))])
    assert parse_act("pipelined").script().passes(answer + bytes(cut))
    assert parse_act("pipelined").script().passes(answer[: 6 + cut])


def test_all_requests_have_one_message_id() -> None:
    seen = items(sent_pdus("same-message-id 7"))
    assert [command_value(item.data, MESSAGE_ID) for item in seen if item.is_command] == [7, 7]


def test_empty_fragments_add_nothing_to_the_dataset() -> None:
    pdus = sent_pdus("empty-pdvs 50")
    assert sum(not item.data for item in items(pdus)) == 50
    assert dataset_of(pdus) == b"".join(DATASETS)


@given(number=st.integers(0, 0xFFFF))
def test_a_message_id_is_exchanged_in_place(number: int) -> None:
    command = items(conversation())[0].data
    changed = with_command_value(command, MESSAGE_ID, number)
    assert command_value(changed, MESSAGE_ID) == number
    assert with_command_value(changed, MESSAGE_ID, 1) == command
