"""``pacslab list``, ``show``, ``validate`` and ``schema``: what there is, without starting any."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from dicom.registry import unknown_word
from orchestrator.errors import InputError
from orchestrator.files.problems import InvalidFileError, Problem, shown
from orchestrator.judging.words import describe
from orchestrator.model.scenario import Expectation
from orchestrator.output import console
from orchestrator.output.console import put
from orchestrator.output.names import counted
from orchestrator.output.summary import MOST_COMMANDS, print_cell, print_summary
from orchestrator.records.folders import LATEST, RECORD, RUN_NAME, find_run, run_folders
from orchestrator.records.record import load_run
from orchestrator.runs.choice import scenario_folder
from orchestrator.scenarios.loader import LoadedScenario, load_all
from orchestrator.scenarios.schema import schema_text
from orchestrator.scenarios.validation import check_file, check_profiles, files_below
from orchestrator.scenarios.words import fault_in_words, given_in_words


def list_scenarios() -> None:
    """Print every scenario by category, one line each.

    Raises:
        ScenarioErrors: a scenario file is wrong.
    """
    out = console.results()
    scenarios = sorted(load_all(scenario_folder()), key=lambda each: each.category)
    width = max(len(scenario.name) for scenario in scenarios)
    for category, group in groupby(scenarios, key=lambda each: each.category):
        out.print(Text(category, "bold"))
        for scenario in sorted(group, key=lambda each: each.name):
            variants = f" ({', '.join(scenario.variants)})" if scenario.variants else ""
            # One line each, whatever the width; a pipe's reader wants all of it.
            line = Text(f"  {scenario.name:<{width}}  {scenario.title}{variants}")
            if out.is_terminal:
                out.print(line, no_wrap=True, overflow="ellipsis")
            else:
                out.print(line, soft_wrap=True)


def show(name: str, runs: Path, cell: str | None = None) -> None:
    """Print the scenario or the past run called ``name``; of a run only ``cell``, if given.

    Raises:
        InputError: there is neither, or no such cell.
    """
    out = console.results()
    if (Path(name) / RECORD).is_file() or Path(name).is_file():
        path = Path(name)
    elif name == LATEST or RUN_NAME.match(name):
        path = find_run(runs, name)
    else:
        scenarios = {scenario.name: scenario for scenario in load_all(scenario_folder())}
        if name in scenarios:
            if cell is not None:
                raise InputError(f"--cell is for a past run, and {name!r} is a scenario")
            _show_scenario(out, scenarios[name])
            return
        known = (*scenarios, LATEST, *(folder.name for folder in run_folders(runs)))
        raise InputError(unknown_word("scenario or run", name, known))
    result, folder = load_run(path), path if path.is_dir() else path.parent
    if cell is not None:
        print_cell(out, result, cell, folder)
    else:
        print_summary(out, result, folder, commands=MOST_COMMANDS)


def validate(paths: tuple[Path, ...]) -> None:
    """Check files and folders of them, or all scenarios and vendor profiles, and say what each is.

    Raises:
        InvalidFileError: something is wrong; every problem of every file is in it.
        InputError: a folder has no such files.
    """
    out = console.results()
    if not paths:
        _validate_all(out)
        return
    checked = [check_file(file) for file in files_below(paths)]
    for each in checked:
        if each.sort is not None:
            out.print(Text(f"{shown(each.file)}: {each.sort}"), soft_wrap=True)
    _raise_problems(problem for each in checked for problem in each.problems)
    out.print(f"{counted(len(checked), 'file')}: no errors")


def _validate_all(out: Console) -> None:
    profiles = check_profiles()
    problems = [problem for each in profiles for problem in each.problems]
    scenarios: tuple[LoadedScenario, ...] = ()
    try:
        scenarios = load_all(scenario_folder())
    except InvalidFileError as error:
        problems.extend(error.problems)
    _raise_problems(problems)
    out.print(f"{counted(len(scenarios), 'scenario')}: no errors")
    out.print(f"{counted(len(profiles), 'profile')}: no errors")


def _raise_problems(problems: Iterable[Problem]) -> None:
    found = tuple(problems)
    if found:
        raise InvalidFileError(found)


def schema(name: str) -> None:
    """Print the JSON Schema of one sort of file.

    Raises:
        InputError: there is no such schema.
    """
    sys.stdout.write(schema_text(name))


def _show_scenario(out: Console, scenario: LoadedScenario) -> None:
    out.print(Text(f"{scenario.name}: {scenario.title}", "bold"))
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column()
    for label, text in (
        ("category", scenario.category),
        ("story", scenario.story.strip()),
        ("symptom", scenario.symptom.strip()),
        ("cause", scenario.cause or ""),
        ("owner", scenario.owner or ""),
        ("lesson", scenario.lesson.strip()),
        ("roles", ", ".join(f"{role} ({each.kind})" for role, each in scenario.roles.items())),
    ):
        if text:
            facts.add_row(label, text)
    put(out, facts)
    for name in scenario.variants or (None,):
        if name is not None:
            title = scenario.variants[name].title
            out.print(Text(f"\n{scenario.name}/{name}: {title}", "bold"))
        for line in _variant(scenario.variant(name)):
            put(out, Padding(Text(line), (0, 0, 0, 2), expand=False))
    out.print(f"\nrun it: pacslab run {scenario.name}")


def _variant(scenario: LoadedScenario) -> Iterator[str]:
    for name, route in scenario.routes.items():
        destination = f" → {route.destination}" if route.destination else ""
        yield f"route {name}: {route.probe} {route.source} → {route.target}{destination}"
    for role, settings in scenario.settings.items():
        for key, value in given_in_words(settings).items():
            yield f"setting of {role}: {key} = {json.dumps(value, default=str)}"
    yield f"fault: {'none' if scenario.fault is None else fault_in_words(scenario.fault)}"
    yield f"fix: {'undo the fault' if scenario.fix == 'revert' else 'other settings (see file)'}"
    for phase in scenario.phases:
        yield f"{phase}:"
        rules = scenario.expect.phase(phase)
        for rule in rules:
            where = ", ".join(f"{key} = {value}" for key, value in rule.when.items())
            where = where or ("otherwise" if len(rules) > 1 else "everywhere")
            yield f"  {where}: {_expected(rule)}"


def _expected(rule: Expectation) -> str:
    outcomes = " or ".join(
        "success" if outcome == "success" else describe(outcome) for outcome in rule.outcomes
    )
    return outcomes + (f"; {rule.why}" if rule.why else "")
