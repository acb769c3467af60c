"""JUnit XML tells the same story as the table."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from orchestrator.errors import EnvironmentProblemError
from orchestrator.model.results import LogLines, Verdict
from orchestrator.output.junit import write_junit
from tests import samples


def test_each_verdict_has_its_element(tmp_path: Path) -> None:
    cells = [
        samples.cell(variant=verdict.value, verdict=verdict, reason=f"because of {verdict}")
        for verdict in Verdict
    ]
    write_junit(samples.run(*cells, samples.cell("healthy")), tmp_path / "new" / "junit.xml")
    root = ET.parse(tmp_path / "new" / "junit.xml").getroot()  # noqa: S314  our own file
    healthy, wrong = root.findall("testsuite")
    assert (healthy.get("name"), healthy.get("tests")) == ("healthy", "1")
    counts = {key: wrong.get(key) for key in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "1", "errors": "2", "skipped": "1"}
    outcome = {
        str(case.get("classname")).partition("/")[2]: [child.tag for child in case]
        for case in wrong.findall("testcase")
    }
    assert outcome == {
        "pass": [],
        "fail": ["failure"],
        "unsupported": ["skipped"],
        "inconclusive": ["error"],
        "error": ["error"],
    }


def test_control_characters_of_a_log_do_not_break_the_file(tmp_path: Path) -> None:
    logs = (LogLines(role="archive", lines=("bell \x07 and null \0", "Käse & <b>")),)
    phases = (samples.phase(met=False, logs=logs),)
    failing = samples.cell(phases=phases, verdict=Verdict.FAIL, reason="\x1b[31mred")
    write_junit(samples.run(failing), tmp_path / "junit.xml")
    text = "".join(ET.parse(tmp_path / "junit.xml").getroot().itertext())  # noqa: S314
    assert "Käse & <b>" in text


def test_a_path_that_cannot_be_written_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblemError, match="--junit"):
        write_junit(samples.run(samples.cell()), tmp_path / "file" / "junit.xml")
