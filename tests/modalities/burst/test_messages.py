"""The bytes that a burst puts on the wire, against pynetdicom's own encoder and decoder."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pynetdicom.dimse_messages import C_STORE_RSP
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu import P_DATA_TF

from dicom.association.upper_layer import UNLIMITED
from dicom.dimse.scu import store_request
from dicom.errors import UsageError
from modalities.burst.messages import Fragmenter, is_success, store_command
from modalities.burst.objects import DatasetReader, StorageObject
from tests.modalities.burst.conversations import CT, EXPLICIT, response

CONTENT = os.urandom(1 << 16) * 24
uids = st.from_regex(r"[12]\.[1-9][0-9]{0,7}(\.[1-9][0-9]{0,9}){1,4}", fullmatch=True)
message_ids = st.integers(1, 0xFFFF)
context_ids = st.integers(0, 127).map(lambda number: 2 * number + 1)


def by_pynetdicom(limit: int, context_id: int, message_id: int, item: StorageObject) -> bytes:
    message = store_request(message_id, item.sop_class_uid, item.sop_instance_uid)
    assert isinstance(item.source, bytes)
    message.data_set = BytesIO(item.source)
    return b"".join(
        P_DATA_TF(primitive).encode() for primitive in message.encode_msg(context_id, limit)
    )


def by_us(
    limit: int, context_id: int, message_id: int, item: StorageObject, *, pad: bool = False
) -> bytes:
    command = store_command(message_id, item.sop_class_uid, item.sop_instance_uid)
    reader = DatasetReader(item)
    batches = Fragmenter(limit).message(context_id, command, reader, pad=pad)
    sent = b"".join(b"".join(batch) for batch in batches)
    reader.close()
    return sent


def pdus(sent: bytes) -> list[bytes]:
    cut = []
    while sent:
        length = 6 + int.from_bytes(sent[2:6], "big")
        cut.append(sent[:length])
        sent = sent[length:]
    return cut


def item_of(size: int, sop_class: str = CT, instance: str = "2.25.1") -> StorageObject:
    return StorageObject("object", sop_class, instance, EXPLICIT, CONTENT[:size])


@settings(max_examples=150, deadline=None)
@given(
    limit=st.integers(2048, 1 << 19).map(lambda half: 2 * half),
    size=st.integers(1, len(CONTENT)),
    context_id=context_ids,
    message_id=message_ids,
    sop_class=uids,
    instance=uids,
)
@example(limit=16384, size=16378, context_id=1, message_id=1, sop_class=CT, instance="2.25.1")
@example(limit=16384, size=16379, context_id=1, message_id=1, sop_class=CT, instance="2.25.1")
@example(limit=16384, size=16 * 16378, context_id=1, message_id=1, sop_class=CT, instance="2.25.1")
@example(limit=1 << 20, size=1 << 18, context_id=1, message_id=1, sop_class=CT, instance="2.25.1")
@example(limit=1 << 20, size=1 << 20, context_id=1, message_id=1, sop_class=CT, instance="2.25.1")
def test_the_bytes_on_the_wire_are_those_of_pynetdicom(
    limit: int, size: int, context_id: int, message_id: int, sop_class: str, instance: str
) -> None:
    item = item_of(size, sop_class, instance)
    assert by_us(limit, context_id, message_id, item) == by_pynetdicom(
        limit, context_id, message_id, item
    )


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    limit=st.integers(2048, 1 << 19).map(lambda half: 2 * half),
    size=st.integers(1, len(CONTENT)),
    offset=st.integers(0, 2000),
)
def test_a_file_is_sent_as_the_same_bytes_as_its_dataset_in_memory(
    tmp_path: Path, limit: int, size: int, offset: int
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xff" * offset + CONTENT[:size])
    stored = StorageObject("file", CT, "2.25.1", EXPLICIT, file, offset)
    assert by_us(limit, 1, 1, stored) == by_pynetdicom(limit, 1, 1, item_of(size))


@given(limit=st.integers(7, 300), size=st.integers(1, 3000))
@settings(deadline=None)
def test_no_pdu_is_longer_than_a_peer_with_a_tiny_limit_takes(limit: int, size: int) -> None:
    sent = pdus(by_us(limit, 1, 1, item_of(size)))
    longest = max(limit, 8)  # the shortest fragment there is: PDV length, context, control, two
    assert max(len(pdu) - 6 for pdu in sent) <= longest
    assert all(len(pdu) % 2 == 0 for pdu in sent[:-1])
    assert b"".join(pdu[12:] for pdu in sent if pdu[11] in (0, 2)) == CONTENT[:size]
    if limit % 2 == 0 and limit >= 8:
        assert b"".join(sent) == by_pynetdicom(limit, 1, 1, item_of(size))


@pytest.mark.parametrize("limit", [4097, 16383, 131071])
def test_an_odd_limit_is_taken_as_the_even_one_below(limit: int) -> None:
    item = item_of(200_000)
    assert by_us(limit, 1, 1, item) == by_pynetdicom(limit - 1, 1, 1, item)


def test_a_peer_without_a_limit_gets_fragments_of_a_size_of_ours() -> None:
    item = item_of(1_000_000)
    assert by_us(0, 1, 1, item) == by_pynetdicom(UNLIMITED, 1, 1, item)


@pytest.mark.parametrize("size", [1, 1001, 16377, 16379, 262_047, 262_049])
def test_a_deflated_dataset_of_odd_length_is_padded(size: int) -> None:
    padded = StorageObject("object", CT, "2.25.1", EXPLICIT, CONTENT[:size] + b"\0")
    assert by_us(16384, 1, 1, item_of(size), pad=True) == by_pynetdicom(16384, 1, 1, padded)
    assert by_us(16384, 1, 1, item_of(size + 1), pad=True) == by_us(16384, 1, 1, item_of(size + 1))


def test_a_dataset_without_anything_is_one_empty_last_fragment() -> None:
    command, dataset = pdus(by_us(16384, 1, 1, item_of(0)))
    assert command[11] == 0x03
    assert dataset == bytes.fromhex("0400 0000 0006 0000 0002 0102")


def test_no_system_call_is_given_more_pieces_than_it_takes() -> None:
    for limit in (8, 128, 4096, 16384):
        reader = DatasetReader(item_of(1_000_000))
        command = store_command(1, CT, "2.25.1")
        batches = Fragmenter(limit).message(1, command, reader, pad=False)
        assert max(len(batch) for batch in batches) <= os.sysconf("SC_IOV_MAX")


def test_a_file_that_gets_shorter_while_it_is_sent_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(CONTENT)
    reader = DatasetReader(StorageObject("file", CT, "2.25.1", EXPLICIT, file))
    batches = Fragmenter(16384).message(1, store_command(1, CT, "2.25.1"), reader, pad=False)
    next(batches)
    os.truncate(file, 300_000)
    with pytest.raises(UsageError, match="became shorter while it was sent"):
        list(batches)
    reader.close()


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.dcm can't be sent"):
        DatasetReader(StorageObject("nowhere.dcm", CT, "2.25.1", EXPLICIT, tmp_path / "nowhere"))


@given(message_id=message_ids, expected=message_ids, context_id=context_ids)
def test_a_success_is_recognised_for_its_own_message_only(
    message_id: int, expected: int, context_id: int
) -> None:
    pdu = response(message_id, context_id=context_id)
    assert is_success(pdu, context_id, message_id)
    assert is_success(pdu, context_id, expected) == (message_id == expected)
    assert not is_success(pdu, context_id + 2, message_id)


@given(status=st.integers(1, 0xFFFF))
def test_no_other_status_is_taken_for_a_success(status: int) -> None:
    assert not is_success(response(7, status), 1, 7)


@given(at=st.integers(0, 200), value=st.integers(0, 255))
def test_a_damaged_success_is_never_taken_for_another_messages(at: int, value: int) -> None:
    pdu = bytearray(response(0x1234))
    pdu[at % len(pdu)] = value
    assert not is_success(bytes(pdu), 1, 0x4321)


@given(cut=st.integers(0, 200))
def test_half_a_response_is_no_success(cut: int) -> None:
    whole = response(7)
    assert not is_success(whole[: cut % len(whole)], 1, 7)


def test_a_response_to_something_else_is_no_store_response() -> None:
    answer = C_STORE()
    answer.MessageIDBeingRespondedTo = 7
    answer.Status = 0x0000
    message = C_STORE_RSP()
    message.primitive_to_message(answer)
    message.command_set.CommandField = 0x8030
    (primitive,) = message.encode_msg(1, 16384)
    assert not is_success(P_DATA_TF(primitive).encode(), 1, 7)
