from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.backends.docker import labels


def owned_by(pid: str, started: str, space: str | None = None) -> dict[str, str]:
    return {
        labels.LAB: "lab-1",
        labels.PID: pid,
        labels.STARTED: started,
        labels.SPACE: labels.process_space() if space is None else space,
    }


@pytest.fixture
def dead_pid() -> str:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(timeout=30)
    return str(ended.pid)


def test_a_lab_of_this_process_is_not_abandoned() -> None:
    assert not labels.is_abandoned(labels.owned_by_this_process("run-1", "lab-1"))


def test_a_lab_whose_owner_ended_is_abandoned(dead_pid: str) -> None:
    assert labels.is_abandoned(owned_by(dead_pid, "some-boot/1"))


def test_a_lab_is_abandoned_when_its_owners_process_id_was_given_to_another() -> None:
    mine = labels.owned_by_this_process("run-1", "lab-1")
    assert labels.is_abandoned({**mine, labels.STARTED: "an-earlier-boot/1"})


def test_a_lab_from_another_process_namespace_is_left_alone(dead_pid: str) -> None:
    assert not labels.is_abandoned(owned_by(dead_pid, "some-boot/1", space="elsewhere/pid:[1]"))


def test_a_lab_that_was_started_by_hand_has_no_owner_to_die() -> None:
    assert not labels.is_abandoned(owned_by("", "", ""))


def test_compose_gets_the_owner_from_the_environment_of_the_run_only() -> None:
    marks = labels.of_lab("run-1", "lab-1")
    assert marks[labels.RUN] == "run-1"
    for label in (labels.PID, labels.STARTED, labels.SPACE):
        variable = marks[label].removeprefix("${").removesuffix(":-}")
        assert variable in labels.owner_environment()
