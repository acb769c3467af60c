"""The modality worklist, asked of DCMTK's worklist SCP and of one that can't be right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pynetdicom import evt

from dicom.association.ends import Caller, Target
from dicom.datasets.identifier import attributes_of
from dicom.errors import UsageError
from dicom.ladder import CARRIED_OUT
from dicom.workflow.worklist import MODALITY_WORKLIST
from modalities.services.worklist import RETURN_KEYS, Worklist, worklist
from tests.modalities.services.conftest import StartScp
from tests.modalities.services.worklists import STEP, item

Schedule = Callable[[dict[str, str]], None]


@pytest.mark.local
class TestWlmscpfs:
    def test_items_of_the_modality_come_back_with_all_that_it_needs(
        self, wlmscpfs: tuple[Target, Schedule], caller: Caller, tmp_path: Any
    ) -> None:
        target, schedule = wlmscpfs
        for number, modality in enumerate(("CT", "MR", "CT"), 1):
            schedule(item(number, modality))
        report = worklist(
            Worklist(target=target, caller=caller, keys={f"{STEP}Modality": "CT"}),
            tmp_path,
            "ct",
        )
        assert report.outcome.succeeded, report.comment
        assert sorted(answer["PatientID"] for answer in report.answers) == ["P1", "P3"]
        first = min(report.answers, key=lambda answer: answer["PatientID"])
        assert {key: first[key] for key in item(1, "CT")} == item(1, "CT")

    def test_no_item_for_another_station_is_an_empty_list_and_success(
        self, wlmscpfs: tuple[Target, Schedule], caller: Caller, tmp_path: Any
    ) -> None:
        target, schedule = wlmscpfs
        schedule(item(1, "CT"))
        keys = {f"{STEP}ScheduledStationAETitle": "CT2"}
        report = worklist(Worklist(target=target, caller=caller, keys=keys), tmp_path, "ct")
        assert (report.outcome, report.answers) == (CARRIED_OUT, ())

    def test_a_patient_in_cyrillic_keeps_the_name(
        self, wlmscpfs: tuple[Target, Schedule], caller: Caller, tmp_path: Any
    ) -> None:
        target, schedule = wlmscpfs
        schedule(item(1, "CT", PatientName="Фантом^Первый"))
        report = worklist(Worklist(target=target, caller=caller), tmp_path, "ct")
        (answer,) = report.answers
        assert answer["PatientName"] == "Фантом^Первый"

    def test_a_title_without_a_worklist_is_rejected(
        self, wlmscpfs: tuple[Target, Schedule], caller: Caller, tmp_path: Any
    ) -> None:
        target = wlmscpfs[0].model_copy(update={"called": "ARCHIVE"})
        report = worklist(Worklist(target=target, caller=caller), tmp_path, "ct")
        assert str(report.outcome) == "associate: rejected 1/1/7"


def test_every_return_key_is_asked_for_with_universal_matching(
    scp: StartScp, caller: Caller, tmp_path: Any
) -> None:
    asked: list[dict[str, str]] = []

    def find(event: Any) -> Any:
        asked.append(attributes_of(event.identifier))
        yield 0x0000, None

    target = scp([MODALITY_WORKLIST], [(evt.EVT_C_FIND, find)])
    command = Worklist(target=target, caller=caller, keys={"PatientID": "P1"})
    worklist(command, tmp_path, "ct")
    assert asked == [{**dict.fromkeys(RETURN_KEYS, ""), "PatientID": "P1"}]


def test_return_keys_can_be_fewer(scp: StartScp, caller: Caller, tmp_path: Any) -> None:
    asked: list[dict[str, str]] = []

    def find(event: Any) -> Any:
        asked.append(attributes_of(event.identifier))
        yield 0x0000, None

    target = scp([MODALITY_WORKLIST], [(evt.EVT_C_FIND, find)])
    command = Worklist(target=target, caller=caller, return_keys=("AccessionNumber",))
    worklist(command, tmp_path, "ct")
    assert asked == [{"AccessionNumber": ""}]


def test_an_archive_without_worklist_refuses_the_context(
    scp: StartScp, caller: Caller, tmp_path: Any
) -> None:
    target = scp(["1.2.840.10008.1.1"], [])
    report = worklist(Worklist(target=target, caller=caller), tmp_path, "ct")
    assert str(report.outcome) == "negotiate: context 3"


def test_a_key_that_is_none_is_no_query(caller: Caller, tmp_path: Any) -> None:
    target = Target(host="localhost", port=104, called="RIS")
    command = Worklist(target=target, caller=caller, keys={f"{STEP}Modalty": "CT"})
    with pytest.raises(UsageError, match="did you mean 'Modality'"):
        worklist(command, tmp_path, "ct")
