"""Every command of the SCU services reaches a node in a container as it was written."""

from __future__ import annotations

import datetime
import json

import pytest

import modalities.nodes.node
from dicom.association.ends import Caller, Target
from dicom.association.negotiated import (
    AsynchronousOperations,
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    Negotiated,
    RoleSelection,
    UserIdentity,
)
from dicom.workflow.storage_commitment import CommitmentResult
from modalities.commands import Command, Report
from modalities.nodes import service
from modalities.nodes.node import NodeClient
from modalities.services.commit import Commit
from modalities.services.get import Get
from modalities.services.mpps import MppsCreate, MppsSet
from modalities.services.store import ProposedContext, Store
from modalities.services.worklist import Worklist

TARGET = Target(host="archive", port=104, called="ARCHIVE")
CALLER = Caller(
    calling="CT",
    user_identity=UserIdentity(kind="username-passcode", primary="anna", passcode="pw"),
    asynchronous=AsynchronousOperations(invoked=2),
    roles=(RoleSelection(sop_class="1.2", scp=True),),
    extended=(ExtendedNegotiation(sop_class="1.2", information=(0, 255)),),
    common_extended=(CommonExtendedNegotiation(sop_class="1.2", service_class="1.3"),),
    implementation_version_name="",
)
COMMANDS: tuple[Command, ...] = (
    Get(target=TARGET, caller=CALLER, storage_role="both", keys={"PatientID": "P1"}),
    Commit(target=TARGET, caller=CALLER, instances=(("1.2", "1.3"),), hold=1.5),
    Worklist(target=TARGET, caller=CALLER, keys={"ScheduledProcedureStepSequence.Modality": "CT"}),
    MppsCreate(
        target=TARGET,
        caller=CALLER,
        modality="CT",
        worklist_item={"PatientName": "Фантом"},
        started=datetime.datetime(2026, 1, 5, 8, 3, 7),
    ),
    MppsSet(target=TARGET, caller=CALLER, sop_instance_uid="1.2", status="DISCONTINUED"),
    Store(
        target=TARGET,
        caller=CALLER,
        files=("a.dcm",),
        contexts=(ProposedContext(abstract_syntax="1.2", transfer_syntaxes=("1.3", "1.4")),),
        associations=4,
    ),
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.kind)
def test_a_command_survives_the_way(command: Command) -> None:
    assert service.parse(json.loads(command.model_dump_json())) == command


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.kind)
def test_whoever_sends_it_waits_longer_than_it_can_take(command: Command) -> None:
    waits = getattr(command, "wait", 0.0)
    assert service.patience(command) > waits + CALLER.timeouts.dimse


def test_a_report_survives_the_way_back() -> None:
    report = Report(
        commitment=CommitmentResult(
            transaction_uid="1.2", committed=("1.3",), failed={"1.4": 0x0112}, on="own"
        ),
        negotiated=(
            Negotiated(
                user_identity_response="",
                roles=(RoleSelection(sop_class="1.2"),),
                extended=(ExtendedNegotiation(sop_class="1.2", information=(1,)),),
            ),
        ),
        sop_instance_uid="1.5",
    )
    assert Report.model_validate(json.loads(report.model_dump_json())) == report


def store_of(files: int, caller: Caller = CALLER) -> Store:
    return Store(target=TARGET, caller=caller, files=("a.dcm",) * files)


def test_a_node_is_waited_for_as_long_as_all_objects_may_take() -> None:
    timeouts = CALLER.timeouts
    more = service.patience(store_of(11)) - service.patience(store_of(1))
    assert more == 10 * (timeouts.dimse + timeouts.network)


def test_no_node_is_waited_for_longer_than_an_hour() -> None:
    assert service.patience(store_of(100_000)) == 3600.0


def test_the_control_channel_waits_with_the_patience_of_the_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waited: list[float] = []

    def call(*_arguments: object, timeout: float) -> object:
        waited.append(timeout)
        return Report().model_dump(mode="json")

    monkeypatch.setattr(modalities.nodes.node, "call", call)
    command = store_of(50)
    assert NodeClient("ct", 8000).run(command) == Report()
    assert waited == [service.patience(command)]
