"""A scenario with a RIS: where the role may stand, and where it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.scenarios.loader import load_scenario
from orchestrator.scenarios.selection import cells_of
from tests.orchestrator.scenario_fakes import problems_of

GOOD = """\
name: rounds
title: A department at work
category: workflow
story: Nothing is broken.
roles:
  ct: {kind: modality}
  ris: {kind: ris}
  archive: {kind: archive}
routes:
  examination: {probe: examination, from: ct, to: archive, ris: ris}
  worklist: {probe: worklist, from: ct, to: ris}
"""


def write(root: Path, text: str) -> Path:
    folder = root / "workflow"
    folder.mkdir(exist_ok=True)
    file = folder / "rounds.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_route_without_archive_is_one_cell_whatever_the_stacks(tmp_path: Path) -> None:
    scenario = load_scenario(write(tmp_path, GOOD))
    cells = cells_of(scenario, ("orthanc", "dcm4chee")).cells
    assert [(cell.route, cell.path, cell.slug) for cell in cells] == [
        ("examination", "ct → orthanc", "rounds.examination.orthanc"),
        ("examination", "ct → dcm4chee", "rounds.examination.dcm4chee"),
        ("worklist", "ct → ris", "rounds.worklist"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            ", ris: ris}",
            "}",
            "routes.examination: probe 'examination' without a RIS;"
            " expected ris: the role that schedules and is told of the progress",
        ),
        (
            ", ris: ris}",
            ", ris: ct}",
            "routes.examination.ris: role 'ct' is a modality; expected a ris",
        ),
        (
            ", ris: ris}",
            ", ris: rsi}",
            "routes.examination.ris: unknown role 'rsi'; did you mean 'ris'?",
        ),
        (
            "to: archive, ris",
            "to: ris, ris",
            "routes.examination.to: role 'ris' is a ris; expected an archive",
        ),
        (
            "from: ct, to: ris}",
            "from: ct, to: ct}",
            "routes.worklist.to: role 'ct' is a modality; expected an archive or a ris",
        ),
        (
            "from: ct, to: ris}",
            "from: ris, to: archive}",
            "routes.worklist.from: role 'ris' is a ris;"
            " expected a modality or workstation to start 'worklist'",
        ),
        (
            "probe: examination, from: ct, to: archive, ris: ris}",
            "probe: move, from: ct, to: archive, destination: ris}",
            "routes.examination.destination: role 'ris' is a ris;"
            " expected an archive or a modality or a workstation",
        ),
        (
            "from: ct, to: ris}",
            "from: ct, to: archive, ris: ris}",
            "routes.worklist.ris: probe 'worklist' needs no RIS besides;"
            " expected ris only for a probe that needs one",
        ),
    ],
)
def test_a_misplaced_ris_is_one_clear_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in GOOD
    (problem,) = problems_of(write(tmp_path, GOOD.replace(old, new)))
    assert told in str(problem)
