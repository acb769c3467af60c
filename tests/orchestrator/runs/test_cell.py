"""One cell on a lab of fakes: what makes it pass, fail, prove nothing, or be an error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from dicom.ladder import Outcome, Rung, Signature
from modalities.commands import Command
from modalities.services.store import Store
from orchestrator.backends.base import Backend
from orchestrator.faults.addressing import WrongCalledAETitle, WrongPort
from orchestrator.faults.admission import AcceptedCallingAETitles
from orchestrator.faults.base import Fault
from orchestrator.judging.verdict import accepts, verdict_of
from orchestrator.lab.lab import Lab
from orchestrator.lab.plan import LabPlan
from orchestrator.model.results import CellId, CellResult, Verdict
from orchestrator.model.scenario import Expect, Expectation, Scenario
from orchestrator.runs.group_run import GroupRun
from orchestrator.runs.groups import RunPlan, grouped
from orchestrator.runs.plan import CellPlan, plan_all
from tests.fakes import FakeBackend, FakeNodes, FakeStack, FakeWorld, Heard

REJECTED = Outcome(rung=Rung.ASSOCIATE, signature=Signature.rejected(1, 1, 7))
REFUSED = Outcome(rung=Rung.CONNECT, signature=Signature(kind="refused"))


def story(
    fault: Fault | None,
    expected: Outcome | None = None,
    *,
    settings: dict[str, object] | None = None,
) -> Scenario[Fault]:
    expect = {} if expected is None else {"fault": (Expectation(outcome=(expected,)),)}
    return Scenario[Fault].model_validate(
        {
            "name": "a-story",
            "title": "A story",
            "category": "addressing",
            "story": "Somebody changed something.",
            "roles": {"ct": {"kind": "modality"}, "archive": {"kind": "archive"}},
            "routes": {"store": {"probe": "store", "from": "ct", "to": "archive"}},
            "study": {"images": 2, "rows": 16, "columns": 16},
            "settings": {"archive": settings or {"check_called_aetitle": True}},
            "fault": fault,
            "expect": Expect(**expect),
        }
    )


WRONG_TITLE = story(WrongCalledAETitle(title="OTHER"), REJECTED)


class Stage:
    """Runs stories on fakes and remembers what happened."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = FakeWorld()
        self.stack = FakeStack(self.world)
        self.backend = FakeBackend(self.world)
        self.heard = Heard()
        self.stop = threading.Event()
        self.hook: Callable[[Command], None] = lambda _command: None
        self._folder = folder
        real = Lab.__init__

        def with_fakes(lab: Lab, plan: LabPlan, backend: Backend) -> None:
            real(lab, plan, backend, FakeNodes(self.world, lambda command: self.hook(command)))

        monkeypatch.setattr(Lab, "__init__", with_fakes)

    def plan(self, scenario: Scenario[Fault]) -> CellPlan:
        cell = CellId(
            scenario=scenario.name,
            route="store",
            ends=scenario.routes["store"],
            bindings={"archive": "fake"},
        )
        (planned,) = plan_all(scenario, [cell], self.backend, {"fake": self.stack})
        assert isinstance(planned, CellPlan)
        return planned

    def runs(self, *scenarios: Scenario[Fault]) -> list[GroupRun]:
        run = RunPlan("run", self._folder, self.backend, seed=1)
        groups = grouped([self.plan(scenario) for scenario in scenarios], run)
        return [GroupRun(group, self.stop) for group in groups]

    def play(self, scenario: Scenario[Fault]) -> CellResult:
        (run,) = self.runs(scenario)
        run.run(self.heard)
        (result,) = self.heard.results
        assert self.world.open_runners == 0, "the lab must be removed whatever happens"
        return result


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("PACSLAB_STATE", str(tmp_path / "state"))
    return Stage(tmp_path, monkeypatch)


def outcomes(result: CellResult) -> list[str]:
    return [str(phase.observation.outcome) for phase in result.phases]


def test_a_cell_passes_when_every_phase_is_as_declared(stage: Stage) -> None:
    result = stage.play(WRONG_TITLE)
    assert result.verdict is Verdict.PASS, result.reason
    assert outcomes(result) == ["delivered", "associate: rejected 1/1/7", "delivered"]
    assert stage.heard.phases == ["baseline", "fault", "fix"]
    assert stage.heard.done == [Verdict.PASS]


def test_the_record_names_what_was_changed_and_who_answered(stage: Stage) -> None:
    result = stage.play(WRONG_TITLE)
    fault = result.phase("fault")
    assert fault is not None
    assert [str(change) for change in fault.changes] == [
        "ct console, entry for archive: called AE title FAKE → OTHER"
    ]
    assert str(result.identities["archive"]) == "fake (profile fake-1.0)"
    assert result.reproduce == ("start the fake",)


@pytest.mark.parametrize("observed", [REJECTED, REFUSED])
def test_a_cell_is_judged_again_from_its_record_alone(stage: Stage, observed: Outcome) -> None:
    result = stage.play(story(WrongCalledAETitle(title="OTHER"), observed))
    recorded = CellResult.model_validate_json(result.model_dump_json(by_alias=True))
    judged = []
    for phase in recorded.phases:
        assert phase.expected.rule is not None
        met = accepts(phase.expected.rule, phase.observation.outcome)
        judged.append(phase.model_copy(update={"met": met}))
    assert verdict_of(recorded.declared, judged) == (result.verdict, result.reason)


def test_every_phase_sends_a_study_of_its_own(stage: Stage) -> None:
    sent: list[tuple[str, ...]] = []
    stage.hook = lambda command: sent.append(command.files) if isinstance(command, Store) else None
    stage.play(WRONG_TITLE)
    assert len(sent) == 3
    assert len(set(sent)) == 3


def test_a_healthy_story_without_a_fault_has_a_baseline_only(stage: Stage) -> None:
    result = stage.play(story(None))
    assert result.verdict is Verdict.PASS
    assert outcomes(result) == ["delivered"]


def test_an_undeclared_outcome_of_the_fault_fails_and_says_both(stage: Stage) -> None:
    result = stage.play(story(WrongCalledAETitle(title="OTHER"), REFUSED))
    assert result.verdict is Verdict.FAIL
    assert "refused" in result.reason
    assert "called AE title not recognized" in result.reason


def test_silent_loss_is_seen_although_the_modality_was_told_success(stage: Stage) -> None:
    stage.stack.leaky = True
    result = stage.play(story(None))
    assert result.verdict is Verdict.FAIL
    assert outcomes(result) == ["delivered: lost"]


def test_a_lab_that_is_broken_anyway_proves_nothing(stage: Stage) -> None:
    stage.stack.leaky = True
    result = stage.play(WRONG_TITLE)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert stage.heard.phases == ["baseline"], "the fault must not even be applied"


def test_a_fault_that_did_not_take_is_an_error_never_green(stage: Stage) -> None:
    stage.stack.deaf = True
    result = stage.play(story(AcceptedCallingAETitles(titles=("OTHER",))))
    assert result.verdict is Verdict.ERROR
    assert "callers is null, expected" in result.reason


def test_a_wrong_port_is_proven_closed_before_it_counts(stage: Stage) -> None:
    result = stage.play(story(WrongPort(), REFUSED))
    assert result.verdict is Verdict.PASS, result.reason
    fault = result.phase("fault")
    assert fault is not None
    assert any("refused" in line for line in fault.in_place)


def test_a_setting_that_the_vendor_lacks_makes_the_cell_unsupported(stage: Stage) -> None:
    result = stage.play(story(None, settings={"max_associations": 1}))
    assert result.verdict is Verdict.UNSUPPORTED
    assert "no such limit" in result.reason


def test_an_archive_that_does_not_start_is_an_error_with_its_last_words(stage: Stage) -> None:
    stage.stack.stillborn = True
    result = stage.play(WRONG_TITLE)
    assert result.verdict is Verdict.ERROR
    assert "last words" in result.reason


def test_an_archive_without_an_open_dicom_port_is_an_error_that_names_it(stage: Stage) -> None:
    stage.hook = lambda _command: stage.world.archives.clear()
    result = stage.play(WRONG_TITLE)
    assert result.verdict is Verdict.ERROR
    assert "does not answer a C-ECHO from ct on its DICOM port archive:104" in result.reason
    assert "connect: refused" in result.reason


def test_a_bug_in_one_cell_is_told_and_its_lab_removed(stage: Stage, tmp_path: Path) -> None:
    def break_down(command: Command) -> None:
        if isinstance(command, Store):
            raise ZeroDivisionError("a bug")

    stage.hook = break_down
    result = stage.play(WRONG_TITLE)
    assert result.verdict is Verdict.ERROR
    assert "ZeroDivisionError: a bug" in result.reason
    (trace,) = tmp_path.rglob("error.txt")
    assert "break_down" in trace.read_text()


def test_a_stopped_run_ends_its_cell_and_drops_what_was_seen_meanwhile(stage: Stage) -> None:
    def stop_in_the_second_phase(command: Command) -> None:
        if isinstance(command, Store) and stage.heard.phases:
            stage.stop.set()

    stage.hook = stop_in_the_second_phase
    result = stage.play(WRONG_TITLE)
    assert result.verdict is Verdict.ERROR
    assert "interrupted" in result.reason
    assert [phase.name for phase in result.phases] == ["baseline"]


def test_cells_with_the_same_nodes_share_a_lab_where_starting_one_is_dear(stage: Stage) -> None:
    stage.backend.shares_labs = True
    other = story(WrongPort(), REFUSED).model_copy(update={"name": "another-story"})
    (run,) = stage.runs(WRONG_TITLE, other)
    run.run(stage.heard)
    assert stage.heard.done == [Verdict.PASS, Verdict.PASS]
    opened = [event for event in stage.world.events if event.endswith("opened")]
    assert len(opened) == 1
    assert "empty archive" in stage.world.events, "the next cell must find the archive empty"


def test_cells_on_loopback_have_a_lab_each(stage: Stage) -> None:
    other = story(WrongPort(), REFUSED).model_copy(update={"name": "another-story"})
    assert len(stage.runs(WRONG_TITLE, other)) == 2
