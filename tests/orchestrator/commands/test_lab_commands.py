"""The lab by hand, and what clean says, without an engine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pytest

from orchestrator.backends.docker import compose as compose_module
from orchestrator.commands import lab
from orchestrator.errors import LabError
from orchestrator.runs import remains

SERVICES = [
    {
        "Service": "orthanc",
        "Publishers": [
            {"URL": "127.0.0.1", "TargetPort": 8042, "PublishedPort": 32768, "Protocol": "tcp"},
            {"URL": "", "TargetPort": 4242, "PublishedPort": 0, "Protocol": "tcp"},
        ],
    },
    {"Service": "dcm4chee-db", "Publishers": None},
]


class FakeCompose:
    """Answers as compose does; ``broken`` lets ``up`` fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, str] | None]] = []
        self.broken = False

    def __call__(
        self,
        arguments: Sequence[str],
        *,
        seconds: float,
        environment: Mapping[str, str] | None = None,
        what: str,
    ) -> str:
        self.calls.append((" ".join(arguments[2:]), environment))
        if self.broken:
            raise LabError(f"docker compose could not {what}: it is ill", log_tail=("ill",))
        return "\n".join(json.dumps(service) for service in SERVICES)


@pytest.fixture
def compose(monkeypatch: pytest.MonkeyPatch) -> FakeCompose:
    fake = FakeCompose()
    monkeypatch.setattr(compose_module, "compose", fake)
    monkeypatch.setattr(lab, "_by_hand", lambda: {"PACSLAB_ORTHANC_IMAGE": "local"})
    monkeypatch.setattr(lab, "_require_engine", lambda: None)
    return fake


def test_up_says_where_each_published_port_is(
    compose: FakeCompose, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.up()
    assert capsys.readouterr().out.splitlines() == [
        "orthanc: 127.0.0.1:32768 (container port 8042)",
        "stop it with: pacslab down (or make down)",
    ]
    assert compose.calls[0] == ("up --detach --wait", {"PACSLAB_ORTHANC_IMAGE": "local"})


def test_a_lab_that_does_not_come_up_says_what_to_do(compose: FakeCompose) -> None:
    compose.broken = True
    with pytest.raises(LabError, match=r"ill\..*'pacslab down' removes it") as error:
        lab.up()
    assert error.value.log_tail == ("ill",)


def test_down_removes_services_of_every_profile_and_their_volumes(compose: FakeCompose) -> None:
    lab.down()
    (call,) = compose.calls
    assert call[0].startswith("--profile * down --volumes --remove-orphans")


@pytest.mark.parametrize("everything", [True, False])
def test_clean_says_what_it_removed_or_that_nothing_was_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], everything: bool
) -> None:
    asked: list[bool] = []

    def fake(*, all: bool) -> list[str]:
        asked.append(all)
        return ["process 4 (Orthanc) of run r"] if all else []

    monkeypatch.setattr(remains, "clean", fake)
    lab.clean(everything=everything)
    expected = {
        True: "removed process 4 (Orthanc) of run r\n",
        False: "nothing to remove: no run left anything on this machine\n",
    }
    assert capsys.readouterr().out == expected[everything]
    assert asked == [everything]
