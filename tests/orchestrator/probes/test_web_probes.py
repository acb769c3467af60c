"""Probes of DICOMweb: what the archive holds, or what arrived, decides; not the server's word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from dicom.association.ends import Caller
from dicom.datasets.fingerprint import Fingerprint
from dicom.ladder import Outcome, Rung, Signature
from dicom.web.target import WebTarget
from modalities.commands import Command, ReceivedInstance, Report
from modalities.services.qido import Qido
from modalities.services.stow import Stow
from modalities.services.wado import Wado
from orchestrator.errors import UnsupportedError
from orchestrator.lab.lab import Lab
from orchestrator.lab.study import SentStudy
from orchestrator.model.observation import Observation
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState
from orchestrator.probes.base import PROBES

SERVICES = WebTarget(host="archive", port=80, root="/web")
REFUSED = Signature(kind="http", code="401")
Answer = Callable[[Command], Report]


def instance(number: int, study: str = "1.2") -> Fingerprint:
    return Fingerprint(
        sop_class_uid="1.1",
        sop_instance_uid=f"{study}.{number}",
        study_instance_uid=study,
        series_instance_uid=f"{study}.0",
        patient_id="P",
        transfer_syntax_uid="1.2.840.10008.1.2.1",
        elements={"00100010": f"{number}"},
    )


FILES = (instance(1), instance(2))
STUDY = SentStudy(files=("1.dcm", "2.dcm"), fingerprints=FILES)


@dataclass
class OneArchive:
    """A lab of one archive: how its node is answered over the web, and what it holds."""

    answer: Answer
    held: tuple[Fingerprint, ...] = ()
    asked: list[Command] = field(default_factory=list)
    services: WebTarget | None = SERVICES

    def observe(self, probe: str, study: SentStudy = STUDY) -> Observation:
        route = Route.model_validate({"probe": probe, "from": "ct", "to": "archive"})
        return PROBES[probe].run(self.lab(), route, study).observation

    def lab(self) -> Lab:
        archive = SimpleNamespace(
            dicomweb=self.dicomweb,
            coercions={},
            held=lambda study: tuple(f for f in self.held if f.study_instance_uid == study),
        )
        made: Any = SimpleNamespace(
            archives={"archive": archive},
            ask=self.ask,
            caller=lambda role: Caller(calling=role),
            state=LabState(),
        )
        return cast(Lab, made)

    def dicomweb(self) -> WebTarget:
        if self.services is None:
            raise UnsupportedError("no plugin")
        return self.services

    def ask(self, role: str, command: Command) -> Report:
        assert role == "ct"
        self.asked.append(command)
        return self.answer(command)


def stopped(rung: Rung, signature: Signature) -> Answer:
    return lambda _: Report(outcome=Outcome.at(rung, signature))


def found(*studies: str) -> Answer:
    def answer(command: Command) -> Report:
        assert isinstance(command, Qido)
        matching = [uid for uid in studies if uid == command.keys["StudyInstanceUID"]]
        return Report(answers=tuple({"StudyInstanceUID": uid} for uid in matching))

    return answer


def retrieved(*instances: Fingerprint) -> Answer:
    def answer(command: Command) -> Report:
        assert isinstance(command, Wado)
        return Report(
            received=tuple(
                ReceivedInstance(fingerprint=each, calling_aetitle="", called_aetitle="")
                for each in instances
                if each.study_instance_uid == command.study_instance_uid
            )
        )

    return answer


@pytest.mark.parametrize(
    ("held", "outcome"),
    [
        (FILES, "delivered"),
        ((), "delivered: lost"),
        (FILES[:1], "delivered: partial"),
        ((*FILES, FILES[0]), "delivered: duplicated"),
        (
            (FILES[0], FILES[1].model_copy(update={"elements": {"00100010": "x"}})),
            "delivered: altered",
        ),
    ],
)
def test_a_stow_that_says_success_is_what_the_archive_then_holds(
    held: tuple[Fingerprint, ...], outcome: str
) -> None:
    lab = OneArchive(lambda _: Report(), held)
    assert str(lab.observe("stow").outcome) == outcome
    (command,) = lab.asked
    assert isinstance(command, Stow)
    assert (command.target, command.files) == (SERVICES, STUDY.files)


@pytest.mark.parametrize("probe", ["stow", "qido", "wado"])
def test_what_stopped_the_request_goes_before_what_is_held(probe: str) -> None:
    lab = OneArchive(stopped(Rung.DIMSE, REFUSED), FILES)
    observation = lab.observe(probe)
    assert str(observation.outcome) == "dimse: http 401"
    assert observation.words == "the archive's web interface answered HTTP 401"


@pytest.mark.parametrize("probe", ["stow", "qido", "wado"])
def test_an_archive_without_dicomweb_is_unsupported(probe: str) -> None:
    lab = OneArchive(lambda _: Report(), services=None)
    with pytest.raises(UnsupportedError, match="no plugin"):
        lab.observe(probe)
    assert lab.asked == []


TWO = SentStudy(files=("1.dcm", "2.dcm"), fingerprints=(instance(1), instance(1, "1.3")))


@pytest.mark.parametrize(
    ("studies", "outcome"),
    [
        (("1.2", "1.3"), "delivered"),
        (("1.2",), "delivered: incomplete"),
        ((), "delivered: no-match"),
    ],
)
def test_a_query_is_as_good_as_its_answers(studies: tuple[str, ...], outcome: str) -> None:
    observation = OneArchive(found(*studies)).observe("qido", TWO)
    assert str(observation.outcome) == outcome
    assert observation.details == (f"{len(studies)} answers for 2 studies",)


@pytest.mark.parametrize(
    ("instances", "outcome"),
    [
        ((instance(1), instance(1, "1.3")), "delivered"),
        ((instance(1),), "delivered: partial"),
        ((), "delivered: lost"),
    ],
)
def test_a_retrieve_is_as_good_as_what_arrived(
    instances: tuple[Fingerprint, ...], outcome: str
) -> None:
    assert str(OneArchive(retrieved(*instances)).observe("wado", TWO).outcome) == outcome


@pytest.mark.parametrize("probe", ["qido", "wado"])
def test_the_first_study_that_is_stopped_ends_it(probe: str) -> None:
    lab = OneArchive(stopped(Rung.CONNECT, Signature(kind="refused")))
    assert str(lab.observe(probe, TWO).outcome) == "connect: refused"
    assert len(lab.asked) == 1
