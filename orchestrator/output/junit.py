"""A run as JUnit XML, the form that build servers read: one test case a cell.

The dialect is the one of Ant's ``junitreport`` that Jenkins, GitLab and others accept:
``failure`` for a cell that was not as declared, ``error`` for one that the lab could not carry
through, ``skipped`` for one that a stack or backend does not support.
"""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from orchestrator.errors import EnvironmentProblemError
from orchestrator.model.results import CellResult, RunResult, Verdict
from orchestrator.output.explanation import explain
from orchestrator.output.names import route_in_words

_ELEMENTS: Final = {
    Verdict.FAIL: "failure",
    Verdict.INCONCLUSIVE: "error",
    Verdict.ERROR: "error",
    Verdict.UNSUPPORTED: "skipped",
}
#: Characters that XML 1.0 can't hold at all (section 2.2): an archive's log may.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(result: RunResult, path: Path) -> None:
    """Write ``result`` to ``path``, making its folder.

    Raises:
        EnvironmentProblemError: it can't be written.
    """
    root = ET.Element("testsuites", name=f"pacslab {result.run}")
    cells = sorted(result.cells, key=lambda each: each.cell.scenario)
    for scenario, group in groupby(cells, key=lambda each: each.cell.scenario):
        root.append(_suite(scenario, tuple(group), result.started))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise EnvironmentProblemError(
            f"cannot write {path}: {error.strerror or error}. Give another path with --junit."
        ) from error


def _suite(scenario: str, cells: tuple[CellResult, ...], started: str) -> ET.Element:
    elements = [_ELEMENTS.get(cell.verdict) for cell in cells]
    suite = ET.Element(
        "testsuite",
        name=scenario,
        timestamp=started,
        tests=str(len(cells)),
        failures=str(elements.count("failure")),
        errors=str(elements.count("error")),
        skipped=str(elements.count("skipped")),
        time=f"{sum(cell.seconds for cell in cells):.3f}",
    )
    suite.extend(_case(cell) for cell in cells)
    return suite


def _case(result: CellResult) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname=result.cell.title,
        name=_xml(f"{result.cell.route}: {route_in_words(result)}"),
        time=f"{result.seconds:.3f}",
    )
    element = _ELEMENTS.get(result.verdict)
    if element is not None:
        message = result.reason or result.verdict.value
        ET.SubElement(case, element, type=result.verdict.value, message=_xml(message)).text = _xml(
            "\n".join(explain(result))
        )
    return case


def _xml(text: str) -> str:
    return _NOT_XML.sub("�", text)
