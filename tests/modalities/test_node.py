"""A node answers the same in this process and behind its control channel, as a process too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from dicom.association.ends import Caller, Target
from dicom.control import ControlError
from dicom.errors import UsageError
from modalities.commands import Command, Report
from modalities.generation import WrittenFile
from modalities.nodes.node import Modality, ModalityNode, NodeClient, serve
from modalities.services.echo import Echo
from modalities.services.listen import Forget, Listen, Received
from modalities.services.query import Find, Move
from modalities.services.store import Store
from tests.modalities.peers import until
from tests.peers import LOOPBACK, PATIENCE, reserved_port


@pytest.fixture
def client(node: ModalityNode) -> Iterator[NodeClient]:
    control = serve(node, "ct", host=LOOPBACK, port=0)
    yield NodeClient(LOOPBACK, control.port)
    control.stop()


def without_times(report: Report) -> Report:
    return report.model_copy(update={"traces": ()})


def test_both_kinds_of_node_give_the_same_answers(
    node: ModalityNode, client: NodeClient, caller: Caller, study: list[WrittenFile]
) -> None:
    port = client.run(Listen(aetitle="CT", port=0)).port
    target = Target(host=LOOPBACK, port=port, called="CT")
    commands: list[Command] = [
        Echo(target=target, caller=caller),
        Store(target=target, caller=caller, files=(study[0].path.name,)),
        Find(target=target, caller=caller, keys={"PatientID": "X"}),
        Move(target=target, caller=caller, destination="WS"),
        Received(),
        Forget(),
        Received(),
    ]
    for command in commands[:4]:
        assert without_times(client.run(command)) == without_times(node.run(command))
    here, there = node.run(Received()), client.run(Received())
    assert (here.received, here.port) == (there.received, there.port)
    assert [each.fingerprint for each in there.received] == [study[0].fingerprint] * 2
    client.run(Forget())
    assert node.run(Received()).received == ()


def test_a_node_says_who_it_is(client: NodeClient) -> None:
    assert client.ping() == "ct"


def test_a_command_that_can_not_be_carried_out_is_refused_in_the_nodes_words(
    node: ModalityNode, client: NodeClient, caller: Caller
) -> None:
    target = Target(host=LOOPBACK, port=1, called="PEER")
    missing = Store(target=target, caller=caller, files=("missing.dcm",))
    misspelt = Find(target=target, caller=caller, keys={"PatientNmae": "X"})
    for command, words in ((missing, r"missing\.dcm"), (misspelt, "did you mean 'PatientName'")):
        with pytest.raises(UsageError, match=words):
            node.run(command)
        with pytest.raises(ControlError, match=words):
            client.run(command)


@pytest.mark.parametrize("title", ["", "SEVENTEEN-LETTERS", "BACK\\SLASH"])
def test_a_title_that_no_request_can_carry_is_an_error(
    node: ModalityNode, caller: Caller, title: str
) -> None:
    target = Target(host=LOOPBACK, port=1, called=title)
    with pytest.raises(UsageError, match="A-ASSOCIATE-RQ"):
        node.run(Echo(target=target, caller=caller))


def test_commands_run_side_by_side(
    node: ModalityNode, caller: Caller, study: list[WrittenFile]
) -> None:
    port = node.run(Listen(aetitle="CT", port=0)).port
    target = Target(host=LOOPBACK, port=port, called="CT")
    command = Store(
        target=target,
        caller=caller,
        files=tuple(written.path.name for written in study),
    )
    reports: list[Report] = []
    threads = [Thread(target=lambda: reports.append(node.run(command))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert [report.outcome.signature for report in reports] == [None] * 8
    assert len(node.run(Received()).received) == 24


def test_a_node_that_never_listened_has_received_nothing(node: Modality) -> None:
    assert node.run(Received()) == Report()
    assert node.run(Forget()) == Report()


@pytest.mark.local
def test_a_node_is_a_process_that_ends_when_told_to(tmp_path: Path) -> None:
    port = reserved_port()
    arguments = ["node", "--name", "ct", "--exchange", str(tmp_path), "--control-port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "modalities", *arguments], stdout=subprocess.PIPE
    )
    client = NodeClient(LOOPBACK, port)

    def answers() -> bool:
        try:
            return client.ping() == "ct"
        except ControlError:
            return False

    try:
        until(answers, process)
        assert client.run(Listen(aetitle="CT", port=0)).port > 0
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 0
    assert output.decode().splitlines() == [
        f"ct: control channel on 127.0.0.1:{port}",
        "ct: stopped",
    ]
