"""How a Storage SCU proposes its presentation contexts, and how many associations it opens."""

from __future__ import annotations

from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    RLELossless,
)
from pynetdicom import AE, evt

from dicom.association.ends import Caller, Target
from dicom.datasets.part10 import fingerprint_of
from dicom.errors import UsageError
from dicom.ladder import ObjectReport
from modalities.commands import Report
from modalities.generation import WrittenFile, write_study
from modalities.services.store import ProposedContext, Store, store
from tests.modalities.peers import StoreScp
from tests.modalities.services.conftest import serving
from tests.peers import LOOPBACK, PATIENCE

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"


def stopped_at(report: Report | ObjectReport) -> str:
    return f"{report.outcome.rung.value}: {report.outcome.signature}"


@pytest.fixture
def three_syntaxes(tmp_path: Path) -> tuple[str, ...]:
    """A CT image in each of three transfer syntaxes."""
    names = []
    for seed, syntax in enumerate((ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless), 1):
        (written,) = write_study(
            tmp_path,
            "CT",
            images=1,
            rows=32,
            columns=32,
            seed=seed,
            transfer_syntax=str(syntax),
        )
        names.append(written.path.name)
    return tuple(names)


def proposed(report: Report) -> list[str]:
    contexts = report.traces[0].pdus[0].fields["contexts"]
    assert isinstance(contexts, list)
    return contexts


@pytest.mark.local
class TestContexts:
    def test_one_context_for_each_syntax_delivers_all_of_them(
        self,
        storescp: StoreScp,
        caller: Caller,
        tmp_path: Path,
        three_syntaxes: tuple[str, ...],
    ) -> None:
        command = Store(target=storescp.target, caller=caller, files=three_syntaxes)
        report = store(command, tmp_path, "ct")
        assert stopped_at(report) == "dimse: None"
        assert len(proposed(report)) == 3
        assert len(report.negotiated) == 1

    def test_all_syntaxes_in_one_context_deliver_only_what_the_acceptor_took(
        self,
        storescp: StoreScp,
        caller: Caller,
        tmp_path: Path,
        three_syntaxes: tuple[str, ...],
    ) -> None:
        command = Store(
            target=storescp.target,
            caller=caller,
            files=three_syntaxes,
            one_context_per_syntax=False,
        )
        report = store(command, tmp_path, "ct")
        assert len(proposed(report)) == 1
        outcomes = sorted(stopped_at(each) for each in report.objects)
        # which of the three storescp takes is its choice
        assert outcomes == ["dimse: None", "negotiate: context 0", "negotiate: context 0"]
        assert "accepted, but not in 1.2.840.10008.1.2" in report.comment

    def test_explicit_contexts_are_proposed_exactly_as_they_are(
        self,
        storescp: StoreScp,
        caller: Caller,
        tmp_path: Path,
        three_syntaxes: tuple[str, ...],
    ) -> None:
        contexts = (
            ProposedContext(abstract_syntax=MR, transfer_syntaxes=(ImplicitVRLittleEndian,)),
            ProposedContext(
                abstract_syntax=CT,
                transfer_syntaxes=(ExplicitVRLittleEndian, ImplicitVRLittleEndian),
            ),
            ProposedContext(abstract_syntax=CT, transfer_syntaxes=(RLELossless,)),
        )
        command = Store(
            target=storescp.target,
            caller=caller,
            files=three_syntaxes,
            contexts=contexts,
        )
        report = store(command, tmp_path, "ct")
        assert proposed(report) == [
            "1: MR Image Storage [Implicit VR Little Endian]",
            "3: CT Image Storage [Explicit VR Little Endian, Implicit VR Little Endian]",
            "5: CT Image Storage [RLE Lossless]",
        ]
        assert [stopped_at(each) for each in report.objects] == [
            "dimse: None",
            "negotiate: context 0",
            "dimse: None",
        ]

    def test_a_class_that_was_not_proposed_has_no_context(
        self,
        storescp: StoreScp,
        caller: Caller,
        tmp_path: Path,
        study: list[WrittenFile],
    ) -> None:
        contexts = (ProposedContext(abstract_syntax=MR, transfer_syntaxes=(RLELossless,)),)
        command = Store(
            target=storescp.target,
            caller=caller,
            files=(study[0].path.name,),
            contexts=contexts,
        )
        report = store(command, tmp_path, "ct")
        assert stopped_at(report) == "negotiate: context none"
        assert report.comment == f"no context proposed for {CT}"

    def test_a_refusal_of_another_syntax_says_nothing_of_the_object(
        self,
        storescp: StoreScp,
        caller: Caller,
        tmp_path: Path,
        three_syntaxes: tuple[str, ...],
    ) -> None:
        contexts = (
            ProposedContext(abstract_syntax=CT, transfer_syntaxes=("1.2.840.113619.9",)),
            ProposedContext(abstract_syntax=CT, transfer_syntaxes=(ExplicitVRLittleEndian,)),
        )
        command = Store(
            target=storescp.target,
            caller=caller,
            files=three_syntaxes,
            contexts=contexts,
        )
        report = store(command, tmp_path, "ct")
        assert [stopped_at(each) for each in report.objects] == [
            "dimse: None",
            "negotiate: context 0",
            "negotiate: context 0",
        ]

    def test_a_refused_class_keeps_the_acceptors_result(
        self,
        storescp: StoreScp,
        caller: Caller,
        tmp_path: Path,
        study: list[WrittenFile],
    ) -> None:
        contexts = (ProposedContext(abstract_syntax=CT, transfer_syntaxes=("1.2.840.113619.9",)),)
        command = Store(
            target=storescp.target,
            caller=caller,
            files=(study[0].path.name,),
            contexts=contexts,
        )
        assert stopped_at(store(command, tmp_path, "ct")).startswith("negotiate: context ")
        assert stopped_at(store(command, tmp_path, "ct")) not in (
            "negotiate: context 0",
            "negotiate: context none",
        )

    def test_more_than_128_explicit_contexts_are_no_request(
        self, caller: Caller, tmp_path: Path, study: list[WrittenFile]
    ) -> None:
        contexts = (ProposedContext(abstract_syntax=CT, transfer_syntaxes=(RLELossless,)),) * 129
        command = Store(
            target=Target(host=LOOPBACK, port=104, called="X"),
            caller=caller,
            files=(study[0].path.name,),
            contexts=contexts,
        )
        with pytest.raises(UsageError, match="1 to 128 presentation contexts, not 129"):
            store(command, tmp_path, "ct")


class TestAssociations:
    @pytest.mark.local
    def test_files_spread_over_several_associations_all_arrive_once(
        self, storescp: StoreScp, caller: Caller, tmp_path: Path
    ) -> None:
        written = write_study(tmp_path, "CT", images=7, rows=16, columns=16, seed=3)
        told: list[ObjectReport] = []
        command = Store(
            target=storescp.target,
            caller=caller,
            files=tuple(each.path.name for each in written),
            associations=3,
        )
        report = store(command, tmp_path, "ct", told.append)
        assert stopped_at(report) == "dimse: None", report.comment
        assert len(report.traces) == len(report.negotiated) == 3
        assert [each.file for each in report.objects] == list(command.files)
        assert {each.file for each in told} == set(command.files)
        assert len(told) == 7
        arrived = [fingerprint_of(path).digest for path in storescp.folder.iterdir()]
        assert sorted(arrived) == sorted(each.fingerprint.digest for each in written)

    def test_they_are_open_at_the_same_time(self, caller: Caller, tmp_path: Path) -> None:
        together = Barrier(3)

        def wait_for_the_others(_event: Any) -> int:
            try:
                together.wait(PATIENCE)
            except BrokenBarrierError:
                return 0xA700
            return 0x0000

        entity = AE("PEER")
        entity.add_supported_context(CT)
        with serving(entity, (evt.EVT_C_STORE, wait_for_the_others)) as target:
            written = write_study(tmp_path, "CT", images=3, rows=16, columns=16)
            command = Store(
                target=target,
                caller=caller,
                files=tuple(each.path.name for each in written),
                associations=3,
            )
            report = store(command, tmp_path, "ct")
        assert stopped_at(report) == "dimse: None"

    def test_more_associations_than_files_are_as_many_as_files(
        self, caller: Caller, tmp_path: Path, study: list[WrittenFile]
    ) -> None:
        entity = AE("PEER")
        entity.add_supported_context(CT)
        with serving(entity, (evt.EVT_C_STORE, lambda _event: 0)) as target:
            command = Store(
                target=target,
                caller=caller,
                files=tuple(each.path.name for each in study),
                associations=10,
            )
            report = store(command, tmp_path, "ct")
        assert len(report.traces) == len(study)

    def test_the_association_that_fails_ends_only_its_own_share(
        self, caller: Caller, tmp_path: Path, study: list[WrittenFile]
    ) -> None:
        first = study[0].fingerprint.sop_instance_uid
        entity = AE("PEER")
        entity.add_supported_context(CT)

        def abort_on_the_first(event: Any) -> int:
            if event.request.AffectedSOPInstanceUID == first:
                event.assoc.abort()
            return 0x0000

        with serving(entity, (evt.EVT_C_STORE, abort_on_the_first)) as target:
            command = Store(
                target=target,
                caller=caller,
                files=tuple(each.path.name for each in study),
                associations=2,
            )
            report = store(command, tmp_path, "ct")
        assert [stopped_at(each) for each in report.objects] == [
            "dimse: aborted 0/0",
            "dimse: None",
            "dimse: aborted 0/0",
        ]
