"""Probes of a department's workflow, each on a lab of its own on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pydicom import dcmread

from dicom.association.ends import Timeouts
from dicom.ladder import Outcome, Rung, Signature
from modalities.services.listen import Received
from orchestrator.backends.local import LocalBackend
from orchestrator.errors import UnsupportedError
from orchestrator.lab.lab import Lab
from orchestrator.lab.plan import LabPlan
from orchestrator.lab.study import SentStudy, StudyMaker
from orchestrator.lab.topology import healthy_state, topology_of
from orchestrator.model.observation import Observation
from orchestrator.model.results import CellId
from orchestrator.model.scenario import Route, Scenario, Study
from orchestrator.model.state import LabState
from orchestrator.probes.base import PROBES, Probed
from orchestrator.probes.mpps import judge_step
from orchestrator.probes.store import StoreProbe
from tests.peers import tool

DCM4CHEE = "dcm4chee-5.35"
ORTHANC = "orthanc-1.12"
EXAMINATION = {"probe": "examination", "from": "ct", "to": "archive", "ris": "ris"}
IMPATIENT = Timeouts(dimse=0.5)


class Department:
    """A CT, a RIS and an archive at work; ``enact`` breaks what a test wants broken."""

    def __init__(self, lab: Lab, healthy: LabState, folder: Path, family: str) -> None:
        self.lab, self.healthy = lab, healthy
        spec = Study(family=family, images=2, rows=16, columns=16)
        self._maker = StudyMaker(lab.exchange, spec, seed=7, cell="cell", own_files=None)
        self.study: SentStudy | None = None

    def enact(self, change: Callable[[LabState], LabState]) -> None:
        self.lab.enact(change(self.healthy))

    def made(self) -> SentStudy:
        self.study = self._maker.make("baseline", self.lab.state.study)
        return self.study

    def observe(
        self, probe: str, study: SentStudy | None = None, target: str = "archive"
    ) -> Observation:
        ends = Route.model_validate({"probe": probe, "from": "ct", "to": target})
        return PROBES[probe].run(self.lab, ends, study or self.made()).observation

    def examine(self) -> Observation:
        ends = Route.model_validate(EXAMINATION)
        return PROBES["examination"].run(self.lab, ends, self.made()).observation

    def stored(self) -> SentStudy:
        study = self.made()
        self.observe("store", study)
        return study


OpenDepartment = Callable[..., Department]


@pytest.fixture
def department(tmp_path: Path) -> Iterator[OpenDepartment]:
    with ExitStack() as stack:

        def start(stack_name: str = DCM4CHEE, *, family: str = "CT") -> Department:
            scenario = Scenario.model_validate(
                {
                    "name": "workflow",
                    "title": "A department",
                    "category": "workflow",
                    "story": "Nothing is broken.",
                    "roles": {
                        "ct": {"kind": "modality"},
                        "ris": {"kind": "ris"},
                        "archive": {"kind": "archive"},
                    },
                    "routes": {"examination": EXAMINATION},
                }
            )
            ends = scenario.routes["examination"]
            cell = CellId(
                scenario="workflow",
                route="examination",
                ends=ends,
                bindings={"archive": stack_name},
            )
            backend = LocalBackend()
            topology = topology_of(scenario, cell, backend, {})
            healthy = healthy_state(scenario, topology)
            healthy = healthy.with_modality("ct", timeouts=IMPATIENT)
            lab = stack.enter_context(
                Lab(LabPlan(topology, "run", f"lab-{tmp_path.name}"[:40], tmp_path), backend)
            )
            lab.start(healthy)
            return Department(lab, healthy, tmp_path, family)

        yield start


def with_ris(**changes: object) -> Callable[[LabState], LabState]:
    def change(state: LabState) -> LabState:
        ris = state.modalities["ris"].ris
        assert ris is not None
        return state.with_modality("ris", ris={**ris.model_dump(), **changes})

    return change


def steps(observation: Observation) -> list[str]:
    """Names of the steps that were reached, in order, each once."""
    return list(dict.fromkeys(line.split(":")[0] for line in observation.details))


ALL_STEPS = [
    "worklist",
    "MPPS in progress",
    "storage",
    "MPPS completed",
    "storage commitment",
    "record of the RIS",
]


@pytest.mark.parametrize("stack", [DCM4CHEE, ORTHANC])
def test_a_healthy_examination_goes_through_every_step(
    department: OpenDepartment, stack: str
) -> None:
    observation = department(stack).examine()
    assert str(observation.outcome) == "delivered", observation
    assert observation.words == "examined, archived, committed and recorded"
    assert steps(observation) == ALL_STEPS
    assert len(observation.objects) == 2


@pytest.mark.local
def test_the_real_orthanc_takes_part_in_an_examination(department: OpenDepartment) -> None:
    tool("Orthanc")
    opened = department("orthanc")
    observation = opened.examine()
    assert opened.lab.identities["archive"].edition == "process"
    assert str(observation.outcome) == "delivered", observation


def test_images_carry_the_order_and_the_procedure_step(department: OpenDepartment) -> None:
    opened = department()
    opened.examine()
    (performed,) = opened.lab.ask("ris", Received()).performed
    assert opened.study is not None
    image = dcmread(opened.lab.exchange / opened.study.files[0])
    (request,) = image.RequestAttributesSequence
    (scheduled,) = performed.scheduled
    assert request.ScheduledProcedureStepID == scheduled.step_id == "SPS1"
    assert request.RequestedProcedureID == scheduled.procedure_id == "RP1"
    assert image.AccessionNumber == scheduled.accession_number != ""
    assert image.StudyInstanceUID == scheduled.study_uid
    (reference,) = image.ReferencedPerformedProcedureStepSequence
    assert reference.ReferencedSOPInstanceUID == performed.sop_instance_uid


def test_objects_without_images_are_examined_like_images(department: OpenDepartment) -> None:
    assert str(department(family="SR").examine().outcome) == "delivered"


def test_a_patient_renamed_at_the_ris_is_renamed_in_the_images(department: OpenDepartment) -> None:
    opened = department()
    renamed = {
        "SpecificCharacterSet": "ISO_IR 192",
        "PatientName": "Łącznik^Źdźbło",
        "PatientID": "LAB-7",
    }
    opened.enact(with_ris(schedule=renamed))
    observation = opened.examine()
    assert str(observation.outcome) == "delivered", observation
    assert opened.study is not None
    image = dcmread(opened.lab.exchange / opened.study.files[0])
    assert {keyword: str(image.get(keyword)) for keyword in renamed} == renamed
    (held, *_) = opened.lab.archives["archive"].held(image.StudyInstanceUID)
    assert held.patient_id == "LAB-7"


def test_an_order_for_another_station_is_not_found_and_nothing_is_done(
    department: OpenDepartment,
) -> None:
    opened = department()
    step = "ScheduledProcedureStepSequence.ScheduledStationAETitle"
    opened.enact(with_ris(schedule={step: "CT2"}))
    observation = opened.examine()
    assert str(observation.outcome) == "delivered: no-match"
    assert observation.words.startswith("worklist: ")
    assert steps(observation) == ["worklist"]
    assert opened.lab.archives["archive"].held() == ()


@pytest.mark.parametrize(
    ("changes", "ending", "reached"),
    [
        ({"worklist": None}, "worklist: negotiate: context 3", 1),
        ({"mpps": None}, "MPPS in progress: negotiate: context 3", 2),
        (
            {"mpps": {"create_failure": {"status": 0x0213}}},
            "MPPS in progress: dimse: status 0x0213",
            2,
        ),
        (
            {"mpps": {"set_failure": {"status": 0x0110}}},
            "MPPS completed: dimse: status 0x0110",
            4,
        ),
    ],
)
def test_the_step_that_the_ris_refuses_is_the_last(
    department: OpenDepartment, changes: dict[str, object], ending: str, reached: int
) -> None:
    opened = department()
    opened.enact(with_ris(**changes))
    observation = opened.examine()
    step = observation.words.split(":")[0]
    assert f"{step}: {observation.outcome}" == ending
    assert steps(observation) == ALL_STEPS[:reached]


def test_an_archive_that_does_not_know_the_modality_commits_to_nothing(
    department: OpenDepartment,
) -> None:
    opened = department()
    opened.enact(lambda state: state.without_entry(("archive", "ct")))
    observation = opened.examine()
    assert str(observation.outcome) == "dimse: status 0x0110"
    assert observation.words.startswith("storage commitment: ")
    assert observation.comment == "Unknown Calling AE: CT"
    assert steps(observation) == ALL_STEPS[:5]


def test_a_result_sent_to_a_closed_port_never_comes(department: OpenDepartment) -> None:
    opened = department()
    opened.enact(lambda state: state.with_entry(("archive", "ct"), port="closed"))
    observation = opened.observe("commit", opened.stored())
    assert str(observation.outcome) == "dimse: timeout"


def test_an_archive_that_lost_an_instance_does_not_commit_to_it(
    department: OpenDepartment,
) -> None:
    opened = department()
    study = opened.stored()
    opened.lab.archives["archive"].empty()
    kept = study.only({study.fingerprints[0].sop_instance_uid})
    opened.observe("store", kept)
    observation = opened.observe("commit", study)
    assert str(observation.outcome) == "delivered: uncommitted"
    lost = study.fingerprints[1].sop_instance_uid
    words = "failure reason 0x0112 no such SOP instance"
    assert f"not committed: {lost}: {words}" in observation.details


def test_an_archive_that_commits_to_what_it_has_changed_is_found_out(
    department: OpenDepartment,
) -> None:
    opened = department()
    study = opened.stored()
    other = study.fingerprints[0].model_copy(update={"elements": {"00100010": "another name"}})
    sent = study.model_copy(update={"fingerprints": (other, *study.fingerprints[1:])})
    assert str(opened.observe("commit", sent).outcome) == "delivered: altered"


def test_a_modality_that_is_not_told_of_a_loss_goes_on_to_the_end(
    department: OpenDepartment, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = department()
    store = StoreProbe.run

    def loses(probe: StoreProbe, lab: Lab, route: Route, study: SentStudy) -> Probed:
        probed = store(probe, lab, route, study)
        lab.archives["archive"].empty()
        lost = Outcome(rung=Rung.DELIVERED, signature=Signature(kind="lost"))
        seen = probed.observation.model_copy(update={"outcome": lost})
        return probed.model_copy(update={"observation": seen})

    monkeypatch.setattr(StoreProbe, "run", loses)
    observation = opened.examine()
    assert steps(observation) == ALL_STEPS
    assert str(observation.outcome) == "delivered: lost"


def test_a_procedure_step_with_other_instances_than_were_made_is_unrecorded(
    department: OpenDepartment,
) -> None:
    opened = department()
    opened.observe("mpps", target="ris")
    (known,) = opened.lab.ask("ris", Received()).performed
    assert opened.study is not None
    made = opened.study.fingerprints
    assert judge_step([known], known.sop_instance_uid, made).outcome.succeeded
    for wrong in (made[:1], ()):
        delivery = judge_step([known], known.sop_instance_uid, wrong)
        assert str(delivery.outcome) == "delivered: unrecorded"


@pytest.mark.parametrize("target", ["ris", "archive"])
@pytest.mark.parametrize("probe", ["worklist", "mpps"])
def test_worklist_and_mpps_are_tried_at_a_ris_and_at_an_archive(
    department: OpenDepartment, probe: str, target: str
) -> None:
    observation = department().observe(probe, target=target)
    assert str(observation.outcome) == "delivered", observation


@pytest.mark.parametrize("probe", ["worklist", "mpps"])
@pytest.mark.parametrize("stack", [ORTHANC, pytest.param("orthanc", marks=pytest.mark.local)])
def test_orthanc_has_neither_worklist_nor_mpps(
    department: OpenDepartment, probe: str, stack: str
) -> None:
    observation = department(stack).observe(probe)
    assert str(observation.outcome) == "negotiate: context 3"


def test_a_ris_that_forgets_is_found_out(
    department: OpenDepartment, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = department()
    monkeypatch.setattr("orchestrator.probes.mpps.performed_at", lambda *_: ())
    observation = opened.observe("mpps", target="ris")
    assert str(observation.outcome) == "delivered: unrecorded"


def test_an_archive_whose_record_can_not_be_read_is_unsupported(
    department: OpenDepartment, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = department()
    monkeypatch.setattr("orchestrator.probes.mpps.performed_at", lambda *_: None)
    with pytest.raises(UnsupportedError, match="what it recorded"):
        opened.observe("mpps")


@pytest.mark.parametrize("stack", [DCM4CHEE, ORTHANC])
def test_a_study_comes_back_by_c_get(department: OpenDepartment, stack: str) -> None:
    opened = department(stack)
    study = opened.stored()
    assert str(opened.observe("get", study).outcome) == "delivered"
    opened.lab.archives["archive"].empty()
    outcome = str(opened.observe("get", study).outcome)
    assert outcome == ("delivered: lost" if stack == DCM4CHEE else "dimse: status 0xC000")
