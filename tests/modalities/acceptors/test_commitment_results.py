"""Storage commitment results that archives bring to a node on associations of their own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, build_role

from dicom.association.ends import Caller, Target
from dicom.association.negotiated import RoleSelection
from dicom.association.requestor import Association
from dicom.dimse.scu import UNCOMPRESSED
from dicom.workflow.storage_commitment import (
    STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE,
    CommitmentResult,
    commitment_request,
)
from modalities.generation import WrittenFile
from modalities.nodes.node import ModalityNode
from modalities.services.commit import Commit
from modalities.services.listen import Forget, Listen, Received
from modalities.services.store import Store
from tests.modalities.peers import Orthanc
from tests.peers import LOOPBACK, PATIENCE


@pytest.fixture
def port(node: ModalityNode) -> int:
    return node.run(Listen(aetitle="CT", port=0)).port


def outcome(transaction: str, failed: dict[str, int], *committed: str) -> Dataset:
    information = commitment_request(transaction, [("1.2.3", uid) for uid in committed])
    if not committed:
        del information.ReferencedSOPSequence
    items = []
    for uid, reason in failed.items():
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.3", uid
        item.FailureReason = reason
        items.append(item)
    if items:
        information.FailedSOPSequence = items
    return information


def report_to(port: int, information: Dataset, *, role: bool = True) -> int | None:
    """Report as an archive does; the status, None where the context was refused."""
    entity = AE(ae_title="ARCHIVE")
    entity.add_requested_context(STORAGE_COMMITMENT)
    roles: list[Any] = [build_role(STORAGE_COMMITMENT, scp_role=True)] if role else []
    association = entity.associate(LOOPBACK, port, ext_neg=roles)
    try:
        if not association.accepted_contexts:
            return None
        event = 2 if "FailedSOPSequence" in information else 1
        status, _ = association.send_n_event_report(
            information, event, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
        )
        return int(status.Status)
    finally:
        association.release()


def test_a_reported_result_says_what_is_committed_and_what_failed(
    node: ModalityNode, port: int
) -> None:
    information = outcome("2.25.1", {"2.25.12": 0x0112}, "2.25.10", "2.25.11")
    assert report_to(port, information) == 0x0000
    assert node.run(Received()).commitments == (
        CommitmentResult(
            transaction_uid="2.25.1",
            committed=("2.25.10", "2.25.11"),
            failed={"2.25.12": 0x0112},
            on="own",
        ),
    )


def test_who_waits_for_a_transaction_gets_that_one_as_soon_as_it_comes(
    node: ModalityNode, port: int
) -> None:
    results: list[CommitmentResult | None] = []
    reception = node._reception

    def wait() -> None:
        results.append(reception.await_commitment("2.25.2", PATIENCE))

    waiter = threading.Thread(target=wait)
    waiter.start()
    report_to(port, outcome("2.25.1", {}, "2.25.10"))
    report_to(port, outcome("2.25.2", {}, "2.25.20"))
    waiter.join(PATIENCE)
    assert [result and result.committed for result in results] == [("2.25.20",)]
    earlier = reception.await_commitment("2.25.1", 0)
    assert earlier is not None
    assert earlier.committed == ("2.25.10",)
    assert reception.await_commitment("2.25.3", 0) is None


def test_an_archive_that_does_not_propose_the_scp_role_is_refused_unless_told_otherwise(
    node: ModalityNode, port: int
) -> None:
    information = outcome("2.25.1", {}, "2.25.10")
    assert report_to(port, information, role=False) is None
    lenient = {"role_selection": "ignored"}
    listen = {"aetitle": "CT", "port": port, "commitment_results": lenient}
    node.run(Listen.model_validate(listen))
    assert report_to(port, information, role=False) == 0x0000
    assert len(node.run(Received()).commitments) == 1


def test_a_report_without_a_transaction_uid_is_an_invalid_argument(
    node: ModalityNode, port: int
) -> None:
    assert report_to(port, outcome("", {}, "2.25.10")) == 0x0115
    assert node.run(Received()).commitments == ()


def test_a_modality_can_be_told_to_refuse_results(node: ModalityNode) -> None:
    rules = {"failure": {"status": 0x0110, "comment": "no memory"}}
    listen = {"aetitle": "CT", "port": 0, "commitment_results": rules}
    port = node.run(Listen.model_validate(listen)).port
    assert report_to(port, outcome("2.25.1", {}, "2.25.10")) == 0x0110


def test_a_modality_that_takes_no_results_refuses_the_context(node: ModalityNode) -> None:
    port = node.run(Listen(aetitle="CT", port=0, commitment_results=None)).port
    assert report_to(port, outcome("2.25.1", {}, "2.25.10")) is None


def test_results_are_dropped_with_everything_else(node: ModalityNode, port: int) -> None:
    report_to(port, outcome("2.25.1", {}, "2.25.10"))
    node.run(Forget())
    assert node.run(Received()).commitments == ()


@pytest.fixture
def known_ct(orthanc: Orthanc, port: int) -> Iterator[Target]:
    """Orthanc, which knows where the CT listens."""
    orthanc.put("/modalities/ct", {"AET": "CT", "Host": LOOPBACK, "Port": port})
    yield Target(host=LOOPBACK, port=orthanc.port, called="ORTHANC")
    orthanc.put("/modalities/ct", {"AET": "CT", "Host": LOOPBACK, "Port": 1})


@pytest.mark.local
def test_orthanc_commits_to_what_it_holds_and_says_what_it_does_not(
    node: ModalityNode,
    known_ct: Target,
    study: list[WrittenFile],
    caller: Caller,
    tmp_path: Path,
) -> None:
    files = tuple(str(each.path.relative_to(tmp_path)) for each in study)
    node.run(Store(target=known_ct, caller=caller, files=files[:2]))
    asked = Commit(target=known_ct, caller=caller, files=files, wait=PATIENCE)
    report = node.run(asked)
    assert report.outcome.succeeded, report.comment
    assert report.commitment is not None
    uids = [each.fingerprint.sop_instance_uid for each in study]
    assert report.commitment.on == "own"
    assert set(report.commitment.committed) == set(uids[:2])
    assert report.commitment.failed == {uids[2]: 0x0112}
    assert node.run(Received()).commitments == (report.commitment,)


def test_who_proposes_to_be_the_scp_is_granted_that_role_and_no_other(
    port: int, caller: Caller
) -> None:
    role = RoleSelection(sop_class=STORAGE_COMMITMENT, scu=False, scp=True)
    association = Association(
        Target(host=LOOPBACK, port=port, called="CT"),
        caller.model_copy(update={"roles": (role,)}),
        [(STORAGE_COMMITMENT, UNCOMPRESSED)],
        None,
        "archive",
    )
    association.open()
    association.release()
    assert association.negotiated is not None
    assert association.negotiated.roles == (role,)
