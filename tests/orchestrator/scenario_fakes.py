"""A good scenario file, and faults, probes and stacks of our own for it to name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from dicom.registry import Registry
from orchestrator.errors import InputError
from orchestrator.faults.base import Fault
from orchestrator.lab.lab import Lab
from orchestrator.lab.study import SentStudy
from orchestrator.model.scenario import Route
from orchestrator.model.state import LabState
from orchestrator.probes.base import Probe, Probed
from orchestrator.scenarios import checks as scenario_checks
from orchestrator.scenarios import parts as scenario_parts
from orchestrator.scenarios.loader import Problem, ScenarioErrors, load_scenario

GOOD = """\
name: wrong-title
title: A title is wrong
category: addressing
story: Somebody mistyped it.
roles:
  ct: {kind: modality}
  archive: {kind: archive}
  peer: {kind: archive}
  screen: {kind: workstation}
routes:
  store: {probe: store, from: ct, to: archive}
  forward: {probe: forward, from: archive, to: peer}
  retrieve: {probe: move, from: ct, to: archive, destination: screen}
settings:
  archive: {check_called_aetitle: true}
study: {images: 2}
fault:
  wrong-title: {title: OLD}
fix: revert
expect:
  fault:
    - when: {to: orthanc >=1.12, route: store}
      outcome: success
    - outcome: {associate: rejected 1/1/7}
      why: it says so
variants:
  other:
    title: Another title
    routes: [store]
    fault:
      wrong-title: {title: OTHER, times: 3}
"""


class WrongTitle(Fault):
    """Calls by another title."""

    layer: ClassVar[str] = "addressing"
    title: str = Field(max_length=16, description="the title called")
    times: int = 1

    def change(self, state: LabState, route: Route) -> LabState:
        return state


class ClosedPort(Fault):
    """Needs no arguments."""

    layer: ClassVar[str] = "addressing"

    def change(self, state: LabState, route: Route) -> LabState:
        return state


class FakeProbe(Probe):
    def run(self, lab: Lab, route: Route, study: SentStudy) -> Probed:
        raise NotImplementedError


class FakeMove(FakeProbe):
    needs_destination = True


class FakeForward(FakeProbe):
    starts_at_archive = True


def registry(sort: str, **items: object) -> Registry[object]:
    filled: Registry[object] = Registry(sort, "tests", InputError)
    filled._loaded = True
    for name, item in items.items():
        filled.register(name.replace("_", "-"))(item)
    return filled


@contextmanager
def plug_ins() -> Iterator[None]:
    """Put our own registries in place of the real ones, whose names don't matter here."""
    faults = registry("fault", wrong_title=WrongTitle, closed_port=ClosedPort)
    probes = registry(
        "probe",
        store=FakeProbe(),
        move=FakeMove(),
        forward=FakeForward(),
    )
    stacks = registry("stack", orthanc=object(), dcm4chee=object())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario_checks, "PROBES", probes)
        patch.setattr(scenario_checks, "STACKS", stacks)
        patch.setattr(scenario_parts, "FAULTS", faults)
        yield


def write(root: Path, text: str) -> Path:
    """The file ``addressing/wrong-title.yaml`` below ``root``, where ``GOOD`` belongs."""
    folder = root / "addressing"
    folder.mkdir(exist_ok=True)
    file = folder / "wrong-title.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def problems_of(file: Path) -> tuple[Problem, ...]:
    """What is wrong with a file; it must be wrong."""
    with pytest.raises(ScenarioErrors) as caught:
        load_scenario(file)
    return caught.value.problems
