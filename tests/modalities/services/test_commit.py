"""Storage commitment, asked of Orthanc (which answers on its own association) and of SCPs that
answer on the same one, late, early, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import AE, evt
from pynetdicom.dimse_messages import N_ACTION_RSP, N_EVENT_REPORT_RQ
from pynetdicom.dimse_primitives import N_ACTION, N_EVENT_REPORT

from dicom.association.ends import Caller, Target, Tls
from dicom.association.tls import server_context
from dicom.datasets.identifier import attributes_of, dataset_of, encoded
from dicom.dimse.scu import message_of
from dicom.errors import UsageError
from dicom.workflow.storage_commitment import (
    STORAGE_COMMITMENT,
    STORAGE_COMMITMENT_INSTANCE,
    CommitmentResult,
)
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.nodes.node import ModalityNode
from modalities.services.commit import Commit, commit
from modalities.services.listen import Listen
from modalities.services.store import Store
from tests.dicom.association.test_tls_signatures import Authority
from tests.modalities.peers import Conversation, Orthanc, ScriptedPeers
from tests.modalities.services.conftest import StartScp, serving, status
from tests.modalities.services.messages import RELEASE_RESPONSE, read_message, send_message
from tests.peers import LOOPBACK, PATIENCE

CT = "1.2.840.10008.5.1.4.1.1.2"
IMPLICIT = "1.2.840.10008.1.2"


def stopped_at(report: Report) -> str:
    return f"{report.outcome.rung.value}: {report.outcome.signature}"


def event_information(
    transaction_uid: str, committed: Sequence[str] = (), failed: Sequence[str] = ()
) -> Dataset:
    words = {"TransactionUID": transaction_uid}
    for number, uid in enumerate(committed, 1):
        words[f"ReferencedSOPSequence[{number}].ReferencedSOPClassUID"] = CT
        words[f"ReferencedSOPSequence[{number}].ReferencedSOPInstanceUID"] = uid
    information = dataset_of(words)
    for uid in failed:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, uid
        item.FailureReason = 0x0112
        information.FailedSOPSequence = [*information.get("FailedSOPSequence", []), item]
    return information


class Asked:
    """What was asked of an SCP."""

    def __init__(self) -> None:
        self.information: list[dict[str, str]] = []
        self.reporters: list[Thread] = []

    def action(self, event: Any) -> tuple[int, None]:
        assert event.request.RequestedSOPClassUID == STORAGE_COMMITMENT
        assert event.request.RequestedSOPInstanceUID == STORAGE_COMMITMENT_INSTANCE
        assert event.action_type == 1
        self.information.append(attributes_of(event.action_information))
        return 0x0000, None


@pytest.fixture
def asked() -> Asked:
    return Asked()


def materials(folder: Path) -> tuple[Tls, Tls]:
    """TLS material of an SCP that wants no certificate, and of an SCU that trusts it."""
    Authority.create(folder, "ca").issue("scp")
    return (
        Tls(certificate="scp.pem", key="scp.key", require_peer_certificate=False),
        Tls(trusted="ca.pem"),
    )


class OwnAssociation:
    """Stands for the node's own SCP: the result is there once ``brings`` is called."""

    def __init__(self) -> None:
        self._there = Event()
        self._result: CommitmentResult | None = None
        self.awaited = Event()

    def brings(self, result: CommitmentResult) -> None:
        self._result = result
        self._there.set()

    def await_commitment(self, transaction_uid: str, seconds: float) -> CommitmentResult | None:
        self.awaited.set()
        if not self._there.wait(seconds) or self._result is None:
            return None
        return self._result if self._result.transaction_uid == transaction_uid else None


def answering(transaction_uid: str, order: str, information: Dataset) -> Any:
    """A script: N-ACTION, N-EVENT-REPORT in that ``order``, then whatever ends the association."""

    def script(peer: Conversation) -> None:
        peer.accept()
        request = read_message(peer)
        response = N_ACTION()
        response.MessageIDBeingRespondedTo = request.MessageID
        response.Status = 0
        report = N_EVENT_REPORT()
        report.MessageID = 7
        report.AffectedSOPClassUID = STORAGE_COMMITMENT
        report.AffectedSOPInstanceUID = STORAGE_COMMITMENT_INSTANCE
        report.EventTypeID = 1
        report.EventInformation = encoded(information, IMPLICIT)
        for each in order.split():
            if each == "response":
                send_message(peer, message_of(N_ACTION_RSP(), response), 1)
            elif each == "event":
                send_message(peer, message_of(N_EVENT_REPORT_RQ(), report), 1)
                answer = read_message(peer)
                assert answer.Status == 0
                assert answer.MessageIDBeingRespondedTo == 7
            elif each == "unanswered":
                send_message(peer, message_of(N_EVENT_REPORT_RQ(), report), 1)
            elif each == "abort":
                peer.send(bytes.fromhex("0700 0000 0004 0000 0000"))
                return
        peer.pdu()
        peer.send(RELEASE_RESPONSE)

    return script


class TestSameAssociation:
    @pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
    def test_a_result_from_a_pynetdicom_scp_is_answered_and_reported(
        self, encrypted: bool, caller: Caller, tmp_path: Path, asked: Asked
    ) -> None:
        answers: list[int] = []
        responded = Event()

        def respond(event: Any) -> tuple[int, None]:
            information = event_information(
                str(event.action_information.TransactionUID), ["2.25.1"], ["2.25.2"]
            )

            def report() -> None:
                responded.wait(PATIENCE)
                reply, _ = event.assoc.send_n_event_report(
                    information, 2, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
                )
                answers.append(reply.Status)

            asked.reporters.append(Thread(target=report))
            asked.reporters[0].start()
            return asked.action(event)

        entity = AE("PEER")
        entity.add_supported_context(STORAGE_COMMITMENT)
        handlers = ((evt.EVT_N_ACTION, respond), (evt.EVT_DIMSE_SENT, lambda _: responded.set()))
        server_tls, client_tls = materials(tmp_path) if encrypted else (None, None)
        context = None if server_tls is None else server_context(server_tls, tmp_path)
        with serving(entity, *handlers, tls=context) as target:
            command = Commit(
                target=target.model_copy(update={"tls": client_tls}),
                caller=caller,
                instances=((CT, "2.25.1"), (CT, "2.25.2")),
            )
            report = commit(command, tmp_path, "ct")
            asked.reporters[0].join(PATIENCE)
        assert stopped_at(report) == "dimse: None", report.comment
        assert report.commitment is not None
        assert report.commitment.on == "same"
        assert report.commitment.committed == ("2.25.1",)
        assert report.commitment.failed == {"2.25.2": 0x0112}
        assert answers == [0]
        (information,) = asked.information
        assert information["TransactionUID"] == report.commitment.transaction_uid
        assert information["ReferencedSOPSequence.ReferencedSOPInstanceUID"] == "2.25.1"
        assert information["ReferencedSOPSequence[2].ReferencedSOPInstanceUID"] == "2.25.2"

    @pytest.mark.parametrize("order", ["response event", "event response"])
    def test_the_result_counts_whether_it_comes_after_the_response_or_before(
        self, order: str, peers: ScriptedPeers, caller: Caller, tmp_path: Path
    ) -> None:
        target = peers.play(answering("2.25.9", order, event_information("2.25.9", ["2.25.1"])))
        command = Commit(
            target=target,
            caller=caller,
            instances=((CT, "2.25.1"),),
            transaction_uid="2.25.9",
        )
        report = commit(command, tmp_path, "ct")
        assert stopped_at(report) == "dimse: None", report.comment
        assert report.commitment == CommitmentResult(
            transaction_uid="2.25.9", committed=("2.25.1",), on="same"
        )

    def test_the_result_of_another_transaction_is_answered_but_not_taken(
        self, peers: ScriptedPeers, caller: Caller, tmp_path: Path
    ) -> None:
        target = peers.play(
            answering("2.25.9", "response event", event_information("2.25.8", ["2.25.1"]))
        )
        command = Commit(target=target, caller=caller, transaction_uid="2.25.9", wait=0.3)
        report = commit(command, tmp_path, "ct")
        assert stopped_at(report) == "dimse: timeout"
        assert report.commitment is None

    def test_a_report_unlike_the_standards_is_aborted_by_us(
        self, peers: ScriptedPeers, caller: Caller, tmp_path: Path
    ) -> None:
        information = event_information("2.25.9", failed=["2.25.1"])
        information.FailedSOPSequence[0].FailureReason = [0x0112, 0x0110]
        target = peers.play(answering("2.25.9", "response unanswered", information))
        command = Commit(target=target, caller=caller, transaction_uid="2.25.9")
        report = commit(command, tmp_path, "ct")
        assert stopped_at(report) == "dimse: aborted 2/6"
        assert "expected Event Information (PS3.4 table J.3-2)" in report.comment
        assert report.traces[0].end == "aborted"

    def test_an_scp_that_aborts_instead_of_reporting_is_an_abort(
        self, peers: ScriptedPeers, caller: Caller, tmp_path: Path
    ) -> None:
        target = peers.play(answering("2.25.9", "response abort", event_information("2.25.9")))
        report = commit(
            Commit(target=target, caller=caller, transaction_uid="2.25.9"), tmp_path, "ct"
        )
        assert stopped_at(report) == "dimse: aborted 0/0"


class TestOwnAssociation:
    def request(self, target: Target, caller: Caller, **further: Any) -> Commit:
        return Commit(target=target, caller=caller, transaction_uid="2.25.9", **further)

    def test_a_result_on_the_scps_own_association_ends_the_wait_at_once(
        self, scp: StartScp, caller: Caller, tmp_path: Path, asked: Asked
    ) -> None:
        own = OwnAssociation()
        result = CommitmentResult(transaction_uid="2.25.9", committed=("2.25.1",), on="own")

        def respond(event: Any) -> tuple[int, None]:
            own.brings(result)
            return asked.action(event)

        target = scp([STORAGE_COMMITMENT], [(evt.EVT_N_ACTION, respond)])
        # a wait of an hour: the test ends only because the result ends it
        report = commit(self.request(target, caller, wait=3600), tmp_path, "ct", own)
        assert report.commitment == result
        assert report.traces[0].end == "released"

    def test_the_wait_goes_on_after_the_request_s_association_was_let_go(
        self, scp: StartScp, caller: Caller, tmp_path: Path, asked: Asked
    ) -> None:
        own = OwnAssociation()
        result = CommitmentResult(transaction_uid="2.25.9", committed=("2.25.1",), on="own")
        target = scp(
            [STORAGE_COMMITMENT],
            [
                (evt.EVT_N_ACTION, asked.action),
                (evt.EVT_RELEASED, lambda _event: own.brings(result)),
            ],
        )
        command = self.request(target, caller, wait=3600, hold=0)
        assert commit(command, tmp_path, "ct", own).commitment == result

    def test_an_abort_of_the_request_s_association_does_not_end_the_wait(
        self, peers: ScriptedPeers, caller: Caller, tmp_path: Path
    ) -> None:
        own = OwnAssociation()
        result = CommitmentResult(transaction_uid="2.25.9", committed=("2.25.1",), on="own")

        def script(peer: Conversation) -> None:
            answering("2.25.9", "response abort", event_information("2.25.9"))(peer)
            own.brings(result)

        command = self.request(peers.play(script), caller, wait=3600)
        report = commit(command, tmp_path, "ct", own)
        assert stopped_at(report) == "dimse: None"
        assert report.commitment == result

    def test_no_result_is_a_timeout_that_says_where_it_was_awaited(
        self, scp: StartScp, caller: Caller, tmp_path: Path, asked: Asked
    ) -> None:
        target = scp([STORAGE_COMMITMENT], [(evt.EVT_N_ACTION, asked.action)])
        command = self.request(target, caller, wait=0.3, hold=0.1)
        report = commit(command, tmp_path, "ct", OwnAssociation())
        assert stopped_at(report) == "dimse: timeout"
        assert "2.25.9" in report.comment
        assert "neither on the request's association nor on one of the SCP's own" in report.comment

    def test_a_node_that_does_not_listen_says_so(
        self, scp: StartScp, caller: Caller, tmp_path: Path, asked: Asked
    ) -> None:
        target = scp([STORAGE_COMMITMENT], [(evt.EVT_N_ACTION, asked.action)])
        report = commit(self.request(target, caller, wait=0.2), tmp_path, "ct")
        assert stopped_at(report) == "dimse: timeout"
        assert "does not listen" in report.comment


class TestTheRequest:
    def test_a_refusal_is_its_status_with_the_scp_s_words(
        self, scp: StartScp, caller: Caller, tmp_path: Path
    ) -> None:
        refusal = status(0x0110, "Unknown Calling AE: CT")
        target = scp([STORAGE_COMMITMENT], [(evt.EVT_N_ACTION, lambda _event: (refusal, None))])
        report = commit(Commit(target=target, caller=caller), tmp_path, "ct")
        assert stopped_at(report) == "dimse: status 0x0110"  # F11c
        assert "Unknown Calling AE: CT" in report.comment

    def test_nobody_waits_where_nobody_wants_to(
        self, scp: StartScp, caller: Caller, tmp_path: Path, asked: Asked
    ) -> None:
        target = scp([STORAGE_COMMITMENT], [(evt.EVT_N_ACTION, asked.action)])
        report = commit(Commit(target=target, caller=caller, wait=0), tmp_path, "ct")
        assert stopped_at(report) == "dimse: None"
        assert report.commitment is None

    def test_it_names_the_instances_of_files(
        self,
        scp: StartScp,
        caller: Caller,
        tmp_path: Path,
        asked: Asked,
        study: list[WrittenFile],
    ) -> None:
        target = scp([STORAGE_COMMITMENT], [(evt.EVT_N_ACTION, asked.action)])
        names = tuple(each.path.name for each in study)
        commit(Commit(target=target, caller=caller, files=names, wait=0), tmp_path, "ct")
        (information,) = asked.information
        referenced = {
            value for key, value in information.items() if key.endswith("ReferencedSOPInstanceUID")
        }
        assert referenced == {each.fingerprint.sop_instance_uid for each in study}

    def test_the_transaction_uid_can_be_left_out(
        self, scp: StartScp, caller: Caller, tmp_path: Path, asked: Asked
    ) -> None:
        target = scp([STORAGE_COMMITMENT], [(evt.EVT_N_ACTION, asked.action)])
        command = Commit(target=target, caller=caller, transaction_uid="", wait=0)
        commit(command, tmp_path, "ct")
        assert asked.information == [{"ReferencedSOPSequence": ""}]

    def test_a_file_that_is_none_is_no_request(self, caller: Caller, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("no image")
        target = Target(host=LOOPBACK, port=104, called="X")
        command = Commit(target=target, caller=caller, files=("notes.txt",))
        with pytest.raises(UsageError, match=r"notes\.txt can't be sent"):
            commit(command, tmp_path, "ct")


@pytest.mark.local
class TestOrthanc:
    @pytest.fixture
    def archive(self, orthanc: Orthanc) -> Target:
        return Target(host=LOOPBACK, port=orthanc.port, called="ORTHANC")

    @pytest.fixture
    def committer(self, caller: Caller) -> Caller:
        return caller.model_copy(update={"calling": "COMMITTER"})

    def test_it_commits_to_what_it_holds_on_an_association_of_its_own(
        self,
        node: ModalityNode,
        archive: Target,
        committer: Caller,
        orthanc: Orthanc,
        tmp_path: Path,
    ) -> None:
        port = node.run(Listen(aetitle="COMMITTER", port=0)).port
        orthanc.put("/modalities/committer", ["COMMITTER", LOOPBACK, port])
        written = write_study(tmp_path, "CT", images=2, rows=16, columns=16, seed=91)
        names = tuple(each.path.name for each in written)
        node.run(Store(target=archive, caller=committer, files=names))
        report = node.run(
            Commit(target=archive, caller=committer, files=names, instances=((CT, "2.25.404"),))
        )
        assert stopped_at(report) == "dimse: None", report.comment
        assert report.commitment is not None
        assert report.commitment.on == "own"
        assert set(report.commitment.committed) == {
            each.fingerprint.sop_instance_uid for each in written
        }
        assert report.commitment.failed == {"2.25.404": 0x0112}  # F11b

    def test_its_report_to_a_closed_port_never_arrives(
        self,
        node: ModalityNode,
        archive: Target,
        committer: Caller,
        orthanc: Orthanc,
    ) -> None:
        node.run(Listen(aetitle="COMMITTER", port=0))
        orthanc.put("/modalities/committer", ["COMMITTER", LOOPBACK, 1])
        command = Commit(
            target=archive, caller=committer, instances=((CT, "2.25.404"),), wait=1.0, hold=0
        )
        report = node.run(command)
        assert stopped_at(report) == "dimse: timeout"  # F11d

    def test_a_stranger_s_request_is_aborted(
        self, node: ModalityNode, archive: Target, caller: Caller
    ) -> None:
        stranger = caller.model_copy(update={"calling": "STRANGER"})
        command = Commit(target=archive, caller=stranger, instances=((CT, "2.25.404"),))
        assert stopped_at(node.run(command)) == "dimse: aborted 0/0"  # F11c
