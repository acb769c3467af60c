"""Queries and retrievals of a peer that never comes to an end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.uid import UID
from pynetdicom.dimse_messages import C_FIND_RSP, C_GET_RSP, C_MOVE_RSP, DIMSEMessage
from pynetdicom.dimse_primitives import C_FIND, C_GET, C_MOVE
from pynetdicom.pdu import P_DATA_TF

from dicom.association.ends import Caller, Target
from modalities.commands import Report
from modalities.services import get as getting
from modalities.services import query
from tests.modalities.peers import Conversation, Script, ScriptedPeers, impatient

_PENDING = 0xFF00
#: Far less than the DIMSE timeout, which each response starts anew.
_SECONDS = 0.2


def _find(target: Target, caller: Caller, folder: Path) -> Report:
    return query.find(query.Find(target=target, caller=caller), folder, "ct")


def _move(target: Target, caller: Caller, folder: Path) -> Report:
    command = query.Move(target=target, caller=caller, destination="WORKSTATION")
    return query.move(command, folder, "ct")


def _get(target: Target, caller: Caller, folder: Path) -> Report:
    return getting.get(getting.Get(target=target, caller=caller), folder, "ct")


def pending_for_ever(
    message: DIMSEMessage, response: C_FIND | C_MOVE | C_GET, model: str
) -> Script:
    """An archive that has always something more to do."""
    response.MessageIDBeingRespondedTo = 1
    response.AffectedSOPClassUID = UID(model)
    response.Status = _PENDING
    message.primitive_to_message(response)
    pdus = [P_DATA_TF(each).encode() for each in message.encode_msg(1, 16384)]

    def play(peer: Conversation) -> None:
        peer.accept()
        peer.message()
        while True:
            for pdu in pdus:
                peer.send(pdu)

    return play


@pytest.mark.parametrize(
    ("ask", "message", "response", "model"),
    [
        (_find, C_FIND_RSP(), C_FIND(), "1.2.840.10008.5.1.4.1.2.2.1"),
        (_move, C_MOVE_RSP(), C_MOVE(), "1.2.840.10008.5.1.4.1.2.2.2"),
        (_get, C_GET_RSP(), C_GET(), "1.2.840.10008.5.1.4.1.2.2.3"),
    ],
    ids=["find", "move", "get"],
)
def test_an_archive_that_never_says_its_last_word_is_not_listened_to_for_ever(
    peers: ScriptedPeers,
    caller: Caller,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[Target, Caller, Path], Report],
    message: DIMSEMessage,
    response: C_FIND | C_MOVE | C_GET,
    model: str,
) -> None:
    for module in (query, getting):
        monkeypatch.setattr(module, "LONGEST_QUERY_SECONDS", _SECONDS)
    target = peers.play(pending_for_ever(message, response, model))
    report = ask(target, impatient(caller, acse=2.0), tmp_path)
    assert str(report.outcome) == "dimse: timeout"
    assert report.comment == "no final response within 0.2 s, only pending ones"
