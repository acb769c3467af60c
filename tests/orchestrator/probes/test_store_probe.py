"""The probe of storage where an object breaks the association on which it is sent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from dicom.association.ends import Caller, Target
from dicom.datasets.fingerprint import Fingerprint
from dicom.ladder import ObjectReport, Outcome, Rung, Signature
from modalities.commands import Command, Report
from modalities.services.store import Store
from orchestrator.lab.lab import Lab
from orchestrator.lab.study import SentStudy
from orchestrator.model.observation import Observation
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState, ModalityState
from orchestrator.probes.base import PROBES

FILES = ("1.dcm", "odd.dcm", "3.dcm", "4.dcm")


def instance(file: str) -> Fingerprint:
    return Fingerprint(
        sop_class_uid="1.1",
        sop_instance_uid=file,
        study_instance_uid="1.2",
        series_instance_uid="1.2.1",
        patient_id="P",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        elements={},
    )


class Archive:
    """Aborts at ``odd.dcm``, or only refuses it; keeps every other object."""

    def __init__(self, signature: Signature) -> None:
        self._signature = signature
        self.associations: list[tuple[str, ...]] = []
        self.kept: list[str] = []

    def observe(self, *, unrelated: bool) -> Observation:
        route = Route.model_validate({"probe": "store", "from": "ct", "to": "archive"})
        study = SentStudy(
            unrelated=unrelated, files=FILES, fingerprints=tuple(map(instance, FILES))
        )
        held = SimpleNamespace(held=lambda _: tuple(map(instance, self.kept)), coercions={})
        lab: Any = SimpleNamespace(
            archives={"archive": held},
            ask=self.ask,
            caller=lambda role: Caller(calling=role),
            target=lambda link: Target(host=link[1], port=104, called="ARCHIVE"),
            state=LabState(modalities={"ct": ModalityState(aetitle="CT")}),
        )
        return PROBES["store"].run(cast(Lab, lab), route, study).observation

    def ask(self, _: str, command: Command) -> Report:
        assert isinstance(command, Store)
        self.associations.append(command.files)
        objects = []
        stopped: Signature | None = None
        for file in command.files:
            broken = stopped is not None and stopped.kind == "aborted"
            if file == "odd.dcm" or broken:
                stopped = stopped or self._signature
            else:
                self.kept.append(file)
            failed = stopped if file == "odd.dcm" or broken else None
            objects.append(self._report(file, failed))
        return Report(outcome=Outcome.at(Rung.DIMSE, stopped), objects=tuple(objects))

    @staticmethod
    def _report(file: str, signature: Signature | None) -> ObjectReport:
        return ObjectReport(
            file=file,
            sop_class_uid="1.1",
            sop_instance_uid=file,
            transfer_syntax_uid="1.2.840.10008.1.2.1",
            outcome=Outcome.at(Rung.DIMSE, signature),
        )


def stopped(observation: Observation) -> list[str]:
    return [each.file for each in observation.objects if not each.outcome.succeeded]


def test_after_an_abort_the_files_that_have_nothing_to_do_with_it_are_tried() -> None:
    archive = Archive(Signature.aborted(0, 0))
    observation = archive.observe(unrelated=True)
    assert archive.associations == [FILES, FILES[2:]]
    assert stopped(observation) == ["odd.dcm"]
    assert str(observation.outcome) == "dimse: aborted 0/0"


def test_after_an_abort_the_rest_of_a_study_is_not_sent() -> None:
    archive = Archive(Signature.aborted(0, 0))
    assert stopped(archive.observe(unrelated=False)) == list(FILES[1:])
    assert archive.associations == [FILES]


@pytest.mark.parametrize("unrelated", [True, False])
def test_a_refused_object_does_not_end_the_association(unrelated: bool) -> None:
    archive = Archive(Signature.status(0xC000))
    assert stopped(archive.observe(unrelated=unrelated)) == ["odd.dcm"]
    assert archive.associations == [FILES]
