"""Reading scenario files: all that is wrong in them at once, before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from pydantic import ValidationError

from dicom.yaml_positions import Document, Position, YamlFault, read
from orchestrator.errors import InputError
from orchestrator.faults.base import Fault
from orchestrator.files.problems import Findings, InvalidFileError, Problem, shown
from orchestrator.model.scenario import Scenario, Study
from orchestrator.scenarios.checks import check
from orchestrator.scenarios.parts import with_parts

__all__ = [
    "SUFFIXES",
    "BrokenFile",
    "LoadedScenario",
    "Problem",
    "ScenarioErrors",
    "Shelf",
    "document_of",
    "load_all",
    "load_scenario",
    "read_folder",
]

#: How a YAML file's name ends.
SUFFIXES: Final = (".yaml", ".yml")
#: A scenario with its fault, ready to be lived through.
LoadedScenario: TypeAlias = Scenario[Fault]


class ScenarioErrors(InvalidFileError):  # noqa: N818 (it holds several)
    """Everything that is wrong in scenario files; ``problems`` holds it piece by piece."""


@dataclass(frozen=True)
class BrokenFile:
    """A scenario's file with something wrong in it; its place says what it should be called."""

    file: Path
    problems: tuple[Problem, ...]

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.file.stem

    @property
    def category(self) -> str:
        """The scenario's category."""
        return self.file.parent.name


@dataclass(frozen=True)
class Shelf:
    """What a folder holds: the scenarios in order to be run, by name, and the other files."""

    scenarios: tuple[LoadedScenario, ...]
    broken: tuple[BrokenFile, ...] = ()


def load_scenario(file: Path) -> LoadedScenario:
    """Read one scenario file. A study's folder is made absolute, relative to the file.

    Raises:
        ScenarioErrors: the file can't be read or is wrong; every problem is in it.
    """
    scenario, problems = _load(file)
    if scenario is None or problems:
        raise ScenarioErrors(problems)
    return scenario


def load_all(folder: Path) -> tuple[LoadedScenario, ...]:
    """Read every scenario below ``folder`` (``<category>/<name>.yaml``), sorted by name.

    Raises:
        ScenarioErrors: some are wrong, or share a name; the problems of all files are in it.
        InputError: there is no such folder, or no scenario in it.
    """
    shelf = read_folder(folder)
    if shelf.broken:
        raise ScenarioErrors(problem for each in shelf.broken for problem in each.problems)
    return shelf.scenarios


def read_folder(folder: Path) -> Shelf:
    """Read every scenario below ``folder``, those that are wrong apart from the others.

    Raises:
        InputError: there is no such folder, or no scenario in it.
    """
    files = sorted(file for suffix in SUFFIXES for file in folder.glob(f"*/*{suffix}"))
    if not files:
        raise InputError(
            f"no scenarios in {folder}; expected files <category>/<name>.yaml below it"
        )
    loaded: dict[str, LoadedScenario] = {}
    broken: list[BrokenFile] = []
    first: dict[str, Path] = {}
    for file in files:
        scenario, problems = _load(file)
        if scenario is not None and first.setdefault(scenario.name, file) != file:
            taken = f"name {scenario.name!r} is taken by {shown(first[scenario.name])}"
            problems.append(Problem(shown(file), 1, 1, "name", taken, "a name of its own"))
        if scenario is None or problems:
            broken.append(BrokenFile(file, tuple(problems)))
        else:
            loaded[scenario.name] = scenario
    return Shelf(tuple(loaded[name] for name in sorted(loaded)), tuple(broken))


def _load(file: Path) -> tuple[LoadedScenario | None, list[Problem]]:
    findings = Findings(shown(file), document_of(file))
    findings.add_yaml_faults()
    data = findings.document.data
    if not isinstance(data, Mapping):
        if not findings.problems:
            findings.add((), "not a mapping", expected="a scenario: name, title, roles, routes, …")
        return None, findings.problems
    scenario: LoadedScenario | None = None
    try:
        scenario = LoadedScenario.model_validate(with_parts(findings))
    except ValidationError as error:
        findings.add_validation(error, Scenario)
    check(findings, file)
    return (None if scenario is None else _located(scenario, file)), findings.problems


def document_of(file: Path) -> Document:
    """The file as YAML; that it can't be read is one of its faults."""
    try:
        return read(file)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        fault = YamlFault(Position(1, 1), (), f"can't be read: {reason}")
        return Document(None, {}, {}, {}, (fault,))


def _located(scenario: LoadedScenario, file: Path) -> LoadedScenario:
    """The scenario with its studies' folders as absolute paths."""
    variants = {
        name: variant.model_copy(update={"study": _absolute(variant.study, file)})
        if variant.study is not None
        else variant
        for name, variant in scenario.variants.items()
    }
    study = _absolute(scenario.study, file)
    return scenario.model_copy(update={"study": study, "variants": variants})


def _absolute(study: Study, file: Path) -> Study:
    if study.folder is None:
        return study
    return study.model_copy(update={"folder": str((file.parent / study.folder).resolve())})
