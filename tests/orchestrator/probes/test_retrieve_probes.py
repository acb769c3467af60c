"""Probes of C-GET and C-MOVE: one request per study, and the evidence of all of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from dicom.association.ends import Caller, Target
from dicom.datasets.fingerprint import Fingerprint
from dicom.ladder import Outcome, Rung, Signature
from dicom.tracing.trace import AssociationTrace
from modalities.commands import Command, ReceivedInstance, Report
from modalities.services.get import Get
from modalities.services.listen import Received
from modalities.services.query import Move
from orchestrator.lab.lab import Lab
from orchestrator.lab.study import SentStudy
from orchestrator.model.scenario import Route
from orchestrator.model.state import AddressEntry, LabState
from orchestrator.probes.base import PROBES, Probed

REFUSED = Signature.status(0xA801)


def instance(study: str) -> Fingerprint:
    return Fingerprint(
        sop_class_uid="1.1",
        sop_instance_uid=f"{study}.1.1",
        study_instance_uid=study,
        series_instance_uid=f"{study}.1",
        patient_id="P",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        elements={},
    )


TWO = SentStudy(files=("1.dcm", "2.dcm"), fingerprints=(instance("1.2"), instance("1.3")))


class Console:
    """A workstation that is given each study that it asks for, or ``signature`` instead."""

    def __init__(self, signature: Signature | None = None) -> None:
        self._signature = signature
        self.asked: list[str] = []

    def probe(self, name: str) -> Probed:
        ends = {"probe": name, "from": "console", "to": "archive"}
        route = Route.model_validate(ends | ({"destination": "console"} if name == "move" else {}))
        return PROBES[name].run(self.lab(), route, TWO)

    def lab(self) -> Lab:
        made: Any = SimpleNamespace(
            archives={"archive": SimpleNamespace(coercions={})},
            ask=self.ask,
            caller=lambda role: Caller(calling=role),
            target=lambda link: Target(host=link[1], port=104, called="ARCHIVE"),
            state=LabState(entries={("archive", "console"): AddressEntry(title="CONSOLE")}),
        )
        return cast(Lab, made)

    def ask(self, role: str, command: Command) -> Report:
        assert role == "console"
        if isinstance(command, Received):
            return self._report(*self.asked)
        assert isinstance(command, Get | Move)
        self.asked.append(command.keys["StudyInstanceUID"])
        if self._signature is not None:
            stopped = Outcome.at(Rung.DIMSE, self._signature)
            return Report(outcome=stopped, traces=(self._trace(),))
        return self._report(self.asked[-1])

    def _report(self, *studies: str) -> Report:
        received = tuple(
            ReceivedInstance(fingerprint=instance(each), calling_aetitle="", called_aetitle="")
            for each in studies
        )
        return Report(received=received, traces=(self._trace(),))

    def _trace(self) -> AssociationTrace:
        return AssociationTrace(
            observer=f"console, {len(self.asked)}", opened_at=0.0, requestor="", acceptor=""
        )


@pytest.mark.parametrize("probe", ["get", "move"])
def test_the_association_of_every_study_is_evidence(probe: str) -> None:
    console = Console()
    probed = console.probe(probe)
    assert str(probed.observation.outcome) == "delivered"
    assert console.asked == ["1.2", "1.3"]
    assert [each.observer for each in probed.traces] == ["console, 1", "console, 2"]


@pytest.mark.parametrize("probe", ["get", "move"])
def test_the_first_study_that_is_refused_ends_it(probe: str) -> None:
    console = Console(REFUSED)
    assert str(console.probe(probe).observation.outcome) == "dimse: status 0xA801"
    assert console.asked == ["1.2"]
